import { fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runToEnd, type ServiceProcess, startService } from '../cluster/service-process.ts';
import { freePort } from '../engines/child.ts';
import { freshDatabase, freshPrefix, onEngines } from '../engines/index.ts';
import { fillFolder, ofMay, type Picture, pictureOf, type ServerCall } from './moving-up.traffic.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const PARTITIONS = 4;
/** Each of some 20 processes opens engines. */
const TEST_MS_MAX = 600_000;

await onEngines('moving up', ['kafka', 'clickhouse', 'postgres', 'redis'], ({ kafka, clickhouse, postgres, redis }) => {
  describe('a data folder that moves to a distributed deployment', { timeout: TEST_MS_MAX }, () => {
    const root = mkdtempSync(path.join(tmpdir(), 'meterline-moving-up-'));
    const folder = path.join(root, 'data');
    const suffix = randomBytes(4).toString('hex');
    const keys = freshPrefix(redis);
    const onLine = (): void => undefined;
    const running: ServiceProcess[] = [];
    let database: Awaited<ReturnType<typeof freshDatabase>>;
    let env: Record<string, string>;
    let before: Picture;

    async function start(main: string, settings: Record<string, string>): Promise<ServiceProcess> {
      const started = startService({ main, port: await freePort(), env: settings, onLine });
      running.push(started);
      await started.ready();
      return started;
    }

    const callerOf =
      ({ url }: ServiceProcess): ServerCall =>
      async (method, route, body) => {
        const key = readFileSync(path.join(folder, 'admin-key'), 'utf8').trim();
        const response = await fetch(url + route, {
          method,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        const answer = await response.text();
        if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${answer}`);
        return JSON.parse(answer) as never;
      };

    /** Runs the mover and kills it as soon as it tells of this phase with something done. */
    async function killMoveAt(phase: string): Promise<void> {
      const mover = fork(path.join(ROOT, 'services/standalone/src/move-main.ts'), [folder, 'move'], {
        env: { ...env, UV_THREADPOOL_SIZE: '16', METERLINE_LOG_LEVEL: 'silent' },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      let reached = false;
      mover.on('message', (message) => {
        const heard = message as { type: string; phase?: string; done?: number };
        if (heard.phase !== phase || (heard.done === 0 && phase !== 'compare')) return;
        reached = true;
        mover.kill('SIGKILL');
      });
      await once(mover, 'exit');
      expect(reached, phase).toBe(true);
    }

    /** As soon as something of it was counted. */
    async function killReplay(settings: Record<string, string>): Promise<void> {
      const replay = fork(path.join(ROOT, 'services/aggregator/src/replay-main.ts'), [], {
        env: { ...settings, METERLINE_LOG_LEVEL: 'silent' },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      replay.once('message', () => replay.kill('SIGKILL'));
      await once(replay, 'exit');
      expect(replay.signalCode).toBe('SIGKILL');
    }

    async function meterline(
      args: readonly string[],
      settings = env,
    ): Promise<{ code: number | null; out: string; err: string }> {
      const command = ['packages/cli/bin/meterline.js', ...args];
      const cli = spawn(process.execPath, command, { cwd: ROOT, env: settings, stdio: ['ignore', 'pipe', 'pipe'] });
      const [out, err] = await Promise.all([text(cli.stdout), text(cli.stderr), once(cli, 'exit')]);
      return { code: cli.exitCode, out, err };
    }
    const migrate = (...options: string[]) => meterline(['migrate', '--from', folder, '--to-env', ...options]);

    beforeAll(async () => {
      database = await freshDatabase(postgres, { migrated: false });
      const { username, password, origin } = new URL(clickhouse.url);
      env = {
        PATH: process.env['PATH'] ?? '',
        METERLINE_BACKEND: 'distributed',
        METERLINE_TEST_CLOCK: '2026-06-02T12:00:00Z',
        METERLINE_WEBHOOK_ALLOW: 'loopback',
        METERLINE_PARTITIONS: String(PARTITIONS),
        METERLINE_KAFKA_BROKERS: kafka.brokers.join(),
        METERLINE_KAFKA_TOPIC: `moving-up-${suffix}`,
        METERLINE_CLICKHOUSE_URL: origin,
        METERLINE_CLICKHOUSE_USER: username || 'default',
        METERLINE_CLICKHOUSE_PASSWORD: password,
        METERLINE_CLICKHOUSE_DATABASE: `moving_up_${suffix}`,
        METERLINE_POSTGRES_URL: database.url,
        METERLINE_REDIS_URL: redis.url,
        METERLINE_REDIS_PREFIX: keys.prefix,
      };
      const standalone = await start('services/standalone/src/main.ts', {
        METERLINE_DATA: folder,
        METERLINE_TEST_CLOCK: '2026-05-20T10:00:00Z',
        METERLINE_WEBHOOK_ALLOW: 'loopback',
        UV_THREADPOOL_SIZE: '16',
      });
      const call = callerOf(standalone);
      await fillFolder(call);
      before = await pictureOf(call);
      await call('POST', '/v1/events', [1, 2, 3].map((n) => ({ id: `last-${n}`, source: 's', type: 'call', subject: 'zed', data: { minutes: '1', user: 'z', region: 'eu' } }))); // prettier-ignore
      // Not stopped but killed: what was accepted last is in the log, perhaps not yet usage.
      await standalone.end('SIGKILL');
    }, TEST_MS_MAX);
    afterAll(async () => {
      await Promise.all(running.map((each) => each.end('SIGKILL')));
      await database.drop();
      await keys.clear();
      await rm(root, { recursive: true, force: true });
    });

    it('is moved only into a deployment that was made ready', async () => {
      const { code, err } = await migrate();
      expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('billing_store.not_migrated') });
      await runToEnd({ main: 'services/api/src/migrate-main.ts', env, onLine });
    });

    it('is described by --dry-run, which changes nothing', async () => {
      const { code, out, err } = await migrate('--dry-run');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain(`moving-up-${suffix} (${PARTITIONS} partitions)`);
      expect(out).toMatch(/rows of invoice +1\n/);
    });

    it('keeps services out while the move is half done, and goes on wherever it was killed', async () => {
      await killMoveAt('records');
      await expect(runToEnd({ main: 'services/api/src/migrate-main.ts', env, onLine })).rejects.toThrow('event_log.being_moved');
      await killMoveAt('tables');
      await killMoveAt('usage');
      await killMoveAt('compare');
      const { code, out, err } = await migrate();
      expect({ code, out: code === 0 ? '' : out + err }).toEqual({ code: 0, out: '' });
      expect(out).not.toContain('DIFFERS');
      expect(out).toMatch(/same +accepted +\d+ +\d+\n/);
      expect(out).toMatch(/same +invariants of reconcile/);
    });

    it('can be moved only once, and is not served by the old server any more', async () => {
      const again = await migrate();
      expect(again.code).toBe(1);
      expect(again.err).toContain('move.complete');
      const settings = { METERLINE_DATA: folder, UV_THREADPOOL_SIZE: '16' };
      const old = runToEnd({ main: 'services/standalone/src/main.ts', env: { ...settings, METERLINE_PORT: '0' }, onLine });
      await expect(old).rejects.toThrow('data_folder.moved');
    });

    it('can be counted again from the start of the topic, into an empty usage store, while no service runs, wherever that was killed', async () => {
      const empty = { ...env, METERLINE_CLICKHOUSE_DATABASE: `replayed_${suffix}` };
      await runToEnd({ main: 'services/api/src/migrate-main.ts', env: empty, onLine });
      const replay = (...options: string[]) => meterline(['log', 'replay', '--to-env', ...options], empty);
      const api = await start('services/api/src/main.ts', env);
      expect((await replay()).err).toContain('connected now: api (replay.services_running)');
      await api.end('SIGTERM');
      expect((await meterline(['log', 'replay', '--to-env'])).err).toContain('replay.usage_not_empty');

      const { code, out } = await replay('--dry-run');
      expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/configuration versions +[2-9]\nbackfills +1\n$/) });
      await killReplay(empty);
      await expect(runToEnd({ main: 'services/api/src/migrate-main.ts', env: empty, onLine })).rejects.toThrow(
        'event_log.being_moved',
      );
      const ended = await replay();
      expect({ code: ended.code, err: ended.code === 0 ? '' : ended.err }).toEqual({ code: 0, err: '' });
      expect(ended.out).toMatch(/^\d+ records counted anew/);
      // What follows is served from there.
      env = empty;
    });

    it('is the same on the new side, where old ids are known and old events can be withdrawn', async () => {
      await runToEnd({ main: 'services/api/src/migrate-main.ts', env, onLine });
      const [api, ingest] = await Promise.all([
        start('services/api/src/main.ts', env),
        start('services/ingest/src/main.ts', env),
        start('services/aggregator/src/main.ts', env),
        start('services/rating-worker/src/main.ts', env),
      ]);
      const call = callerOf(api);
      const send = callerOf(ingest);
      const after = await pictureOf(call);
      expect(after.usage['calls']?.['zed']).toBe('3 of 3');
      for (const usage of Object.values(after.usage)) delete usage['zed'];
      expect(after).toEqual(before);

      await send('POST', '/v1/events', [ofMay(10)]);
      await send('POST', '/v1/events/may-8/void', { source: 's' });
      await send('POST', '/v1/events', [
        { id: 'june-new', source: 's', type: 'call', subject: 'ann', data: { minutes: '5', user: 'u1', region: 'eu' } },
      ]);
      const calls = async () => (await pictureOf(call)).usage['calls']?.['ann'];
      const [events = 0] = (before.usage['calls']?.['ann'] ?? '').split(' ').map(Number);
      await until(async () => (await refusedOf(call, 'may-10')).join() === 'event.duplicate');
      // One more, one less: the event of June and the voided one of May.
      await until(async () => (await calls()) === `${events} of ${events}`);

      await call('POST', '/v1/clock', { now: '2026-07-01T12:00:00Z' });
      const run = await call<{ id: string }>('POST', '/v1/invoice-runs', {});
      await until(async () => (await call<{ state: string }>('GET', `/v1/invoice-runs/${run.id}`)).state === 'complete');
      const { items } = await call<{ items: { id: string; number: string }[] }>('GET', '/v1/invoices');
      const next = await call<{ adjustments: { invoice: string }[] }>('GET', `/v1/invoices/${items[0]?.id ?? ''}`);
      expect(items.map(({ number }) => number)).toEqual(['INV-000002', 'INV-000001']);
      expect(next.adjustments.map(({ invoice }) => invoice)).toContain('INV-000001');
      const { invariants } = await call<{ invariants: { differences: string[] }[] }>('GET', '/v1/reconciliation');
      expect(invariants.flatMap(({ differences }) => differences)).toEqual([]);
    });
  });
});

async function refusedOf(call: ServerCall, id: string): Promise<string[]> {
  const { items } = await call<{ items: { code: string; event: unknown }[] }>('GET', '/v1/refused-events?limit=50');
  return items.filter(({ event }) => JSON.stringify(event).includes(`"${id}"`)).map(({ code }) => code);
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(50);
}
