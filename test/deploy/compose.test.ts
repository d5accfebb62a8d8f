import { existsSync } from 'node:fs';
import path from 'node:path';
import { readSettings } from '@meterline/runtime/config';
import { describe, expect, it } from 'vitest';
import { byDefault, type ComposeService, environmentOf, readCompose, variablesOf } from './compose.ts';
import { DOCKERFILE, readStages } from './dockerfile.ts';
import { DRAIN_SECONDS, PROJECT, read, SERVICES, SETTING_NAMES } from './project.ts';

const { services, volumes } = readCompose();
const ENGINES = ['kafka', 'clickhouse', 'postgres', 'redis'];
const all = Object.entries(services);
const ours = all.filter(([, { image }]) => image.startsWith('meterline/'));
const service = (name: string): ComposeService => {
  const found = services[name];
  if (found === undefined) throw new Error(`no service ${name}`);
  return found;
};

describe.each(ours)('%s', (_name, { image, build, environment = {}, ...given }) => {
  const [, target = '', tag = ''] = /^meterline\/([\w-]+):(.*)$/.exec(image) ?? [];

  it('is built from a target that there is', () => {
    expect(build).toEqual({ context: '.', dockerfile: DOCKERFILE, target });
    expect([...readStages().stages.keys()]).toContain(target);
    expect(byDefault(tag)).toBe((JSON.parse(read('package.json')) as { version: string }).version);
  });

  it('is told only settings that there are, and such that it starts with', () => {
    // The CLI's own: where its server is.
    const own = target === 'cli' ? ['METERLINE_URL', 'METERLINE_API_KEY'] : [];
    expect(Object.keys(environment).filter((name) => !SETTING_NAMES.has(name) && !own.includes(name))).toEqual([]);
    const settings = readSettings(environmentOf({ image, environment }), { METERLINE_BACKEND: 'distributed' });
    expect(settings.backend).toBe('distributed');
  });

  it('may write nowhere but to memory, gain no rights, and take longer to stop than it drains', () => {
    expect(given).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    expect(given.volumes).toBeUndefined();
    const [, seconds = '0'] = /^(\d+)s$/.exec(given.stop_grace_period ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThan(DRAIN_SECONDS);
  });
});

describe.each(all)('%s', (name, given) => {
  it('is pinned to a version', () => {
    expect(byDefault(given.image)).toMatch(/:\d+\.\d+/);
    expect(given.image).not.toContain('latest');
  });

  it('has limits of memory and of logs, and a restart policy', () => {
    expect(given.deploy?.resources?.limits?.memory).toMatch(/^\d+[mg]$/);
    expect(given.logging?.options?.['max-size']).toBe('10m');
    const isJob = name.endsWith('migrate');
    const isPassing = name.startsWith('demo') || name === 'cli' || name === 'operator';
    expect(given.restart).toBe(isJob ? 'on-failure:5' : isPassing ? 'no' : 'unless-stopped');
  });

  it('publishes ports on loopback only, unless told otherwise', () => {
    expect((given.ports ?? []).map(byDefault).filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('mounts what there is, and configuration for reading only', () => {
    for (const mount of given.volumes ?? []) {
      const [source = '', , mode] = mount.split(':');
      if (source.startsWith('.')) {
        expect(existsSync(path.join(PROJECT, source)), source).toBe(true);
        expect(mode).toBe('ro');
      } else expect(Object.keys(volumes)).toContain(source);
    }
  });

  it('waits only for what there is, starts with it, and can become healthy or end', () => {
    const profiles = new Set(given.profiles);
    for (const [other, { condition }] of Object.entries(given.depends_on ?? {})) {
      const { healthcheck, profiles: needed = [], image } = service(other);
      expect(
        needed.every((profile) => profiles.has(profile)),
        other,
      ).toBe(true);
      const ends = /^meterline\/migrate:/.test(image);
      expect(condition).toBe(ends ? 'service_completed_successfully' : 'service_healthy');
      const hasCheck = healthcheck !== undefined || SERVICES.some((ourService) => image.startsWith(`meterline/${ourService}:`));
      expect(ends || hasCheck, other).toBe(true);
    }
  });
});

it('publishes the gateway and nothing else', () => {
  expect(all.filter(([, { ports = [] }]) => ports.length > 0).map(([name]) => name)).toEqual(['gateway']);
});

it.each(['', 'demo-'])('starts engines, then migrations, then services, then the gateway (%s)', (prefix) => {
  const waitedFor = (name: string): string[] => Object.keys(service(prefix + name).depends_on ?? {});
  const engines = ENGINES.map((engine) => prefix + engine);
  expect(waitedFor('migrate')).toEqual(engines);
  for (const name of SERVICES) expect(waitedFor(name)).toEqual(expect.arrayContaining([...engines, `${prefix}migrate`]));
  expect(waitedFor('gateway')).toEqual([`${prefix}ingest`, `${prefix}api`]);
});

it('keeps what the engines store, and has Redis keep its jobs', () => {
  const stored = ENGINES.map((engine) => (service(engine).volumes ?? []).filter((mount) => !mount.startsWith('.')));
  expect(stored.map((mounts) => mounts.length)).toEqual([1, 1, 1, 1]);
  expect(service('redis')).toHaveProperty('command', expect.arrayContaining(['--appendonly', 'yes', 'noeviction']));
});

it('plays the demo apart from everything else, in memory, with one test clock for all', () => {
  const demo = all.filter(([, { profiles }]) => profiles?.includes('demo'));
  expect(demo).toHaveLength(11);
  for (const [name, { volumes: mounts = [], networks, network_mode, environment = {} }] of demo) {
    expect(
      mounts.filter((mount) => !mount.startsWith('.')),
      name,
    ).toEqual([]);
    const joined = Array.isArray(networks) ? networks : Object.keys(networks ?? {});
    expect(name === 'demo' ? [network_mode] : joined).toEqual([name === 'demo' ? 'service:demo-rating-worker' : 'demo']);
    if (/-(migrate|ingest|aggregator|rating-worker|api)$/.test(name)) {
      expect(environment['METERLINE_TEST_CLOCK']).toBe('2023-11-16T19:15:00Z');
      expect(environment['METERLINE_PARTITIONS']).toBe('4');
    }
  }
  expect(Object.keys(service('ingest').environment ?? {})).not.toContain('METERLINE_TEST_CLOCK');
});

it('documents every variable in .env.example, with the default it has', () => {
  const documented = [...read('.env.example').matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
  const used = variablesOf(read('docker-compose.yml'));
  expect(new Map(used)).toEqual(new Map(documented as [string, string][]));
  expect(new Set(used.map((each) => each.join('='))).size).toBe(new Map(used).size);
});

it('gives ClickHouse and the services the same users', () => {
  const users = read('infra/clickhouse/users.d/meterline.xml');
  const named = ours.flatMap(([, each]) => environmentOf(each)['METERLINE_CLICKHOUSE_USER'] ?? []);
  expect(new Set(named)).toEqual(new Set(['meterline_migrator', 'meterline_writer', 'meterline_reader']));
  for (const user of named) expect(users).toContain(`<${user}>`);
  const hashes = [...users.matchAll(/from_env="(\w+)"/g)].map(([, name]) => name);
  const script = JSON.stringify(service('clickhouse'));
  expect(hashes).toHaveLength(3);
  for (const name of hashes) expect(script).toContain(`export ${name}=`);
});
