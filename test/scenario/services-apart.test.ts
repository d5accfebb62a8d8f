import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, freshPrefix, onEngines } from '../engines/index.ts';

const SERVICES = path.join(import.meta.dirname, '../../services');
const ADMIN_KEY = 'services-apart-admin-key';
const PARTITIONS = 8;
const TAKEOVER_MS_MAX = 10_000;

interface Service {
  readonly url: string;
  readonly process: ChildProcess;
}

await onEngines('services apart', ['kafka', 'clickhouse', 'postgres', 'redis'], ({ kafka, clickhouse, postgres, redis }) => {
  describe('the services, each a process of its own, many of each', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'meterline-services-'));
    const suffix = randomBytes(4).toString('hex');
    const keys = freshPrefix(redis);
    const running: ChildProcess[] = [];
    let database: Awaited<ReturnType<typeof freshDatabase>>;
    let env: NodeJS.ProcessEnv;
    let ingest: Service;
    let api: Service;
    let workers: Service[] = [];
    let keyOfYear = '';
    let moving: Promise<unknown> = Promise.resolve();
    let sent = 0;

    async function killWorker(): Promise<void> {
      const [first, ...others] = workers;
      if (first !== undefined) await end(first, 'SIGKILL');
      workers = others;
    }

    function run(main: string, port: number): ChildProcess {
      const output = openSync(path.join(folder, 'log'), 'a');
      const child = spawn(process.execPath, [path.join(SERVICES, main)], {
        stdio: ['ignore', output, output],
        env: { ...env, METERLINE_PORT: String(port) },
      });
      closeSync(output);
      running.push(child);
      return child;
    }

    /** Resolves when it is ready. */
    async function start(service: string): Promise<Service> {
      const port = await freePort();
      const child = run(`${service}/src/main.ts`, port);
      const url = `http://127.0.0.1:${port}`;
      for (;;) {
        if (child.exitCode !== null)
          throw new Error(`${service} ended:\n${readFileSync(path.join(folder, 'log'), 'utf8').slice(-4_000)}`);
        const ready = await fetch(`${url}/readyz`).catch(() => undefined);
        if (ready?.ok === true) return { url, process: child };
        await sleep(100);
      }
    }

    async function end({ process: child }: Service, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
      return child.exitCode;
    }

    async function call<T>(service: Service, method: string, route: string, body?: unknown, key = ADMIN_KEY): Promise<T> {
      const response = await fetch(service.url + route, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
      return JSON.parse(text) as T;
    }

    /** -1: it has no such metric. */
    async function metric({ url }: Service, name: string): Promise<number> {
      const exposed = await (await fetch(`${url}/metrics`)).text();
      return Number(new RegExp(`^meterline_${name} (\\d+(\\.\\d+)?)$`, 'm').exec(exposed)?.[1] ?? -1);
    }
    const partitionsOf = (service: Service) => metric(service, 'aggregation_partitions');

    /** Every event is sent twice. */
    async function send(count: number): Promise<void> {
      const events = Array.from({ length: count }, (_, n) => ({
        id: `e${sent + n}`,
        source: 'test',
        type: 'call',
        subject: 'ann',
        data: { minutes: '0.5' },
      }));
      sent += count;
      await call(ingest, 'POST', '/v1/events', [...events, ...events.toReversed()]);
    }

    const counted = async (): Promise<number> => {
      const answer = await call<{ rows: { value: string }[] }>(
        api,
        'GET',
        '/v1/meters/calls/usage?from=2020-01-01T00:00:00Z&to=2040-01-01T00:00:00Z',
      );
      return Number(answer.rows[0]?.value ?? 0);
    };

    async function msUntil(what: () => Promise<boolean>): Promise<number> {
      const startedMs = performance.now();
      while (!(await what())) await sleep(50);
      return performance.now() - startedMs;
    }

    beforeAll(async () => {
      database = await freshDatabase(postgres, { migrated: false });
      const { username, password, origin } = new URL(clickhouse.url);
      env = {
        PATH: process.env['PATH'],
        METERLINE_BACKEND: 'distributed',
        METERLINE_ADMIN_KEY: ADMIN_KEY,
        METERLINE_PARTITIONS: String(PARTITIONS),
        METERLINE_KAFKA_BROKERS: kafka.brokers.join(),
        METERLINE_KAFKA_TOPIC: `meterline-${suffix}`,
        METERLINE_CLICKHOUSE_URL: origin,
        METERLINE_CLICKHOUSE_USER: username || 'default',
        METERLINE_CLICKHOUSE_PASSWORD: password,
        METERLINE_CLICKHOUSE_DATABASE: `apart_${suffix}`,
        METERLINE_POSTGRES_URL: database.url,
        METERLINE_REDIS_URL: redis.url,
        METERLINE_REDIS_PREFIX: keys.prefix,
      };
      const migrators = [run('api/src/migrate-main.ts', 0), run('api/src/migrate-main.ts', 0)];
      const codes = await Promise.all(migrators.map(async (one) => (await once(one, 'exit'))[0] as unknown));
      if (codes.join() !== '0,0') throw new Error(`migrate:\n${readFileSync(path.join(folder, 'log'), 'utf8')}`);
      [ingest, api] = await Promise.all([start('ingest'), start('api')]);
      await call(api, 'POST', '/v1/meters', {
        key: 'calls',
        name: 'Calls',
        eventType: 'call',
        aggregation: 'sum',
        valueProperty: '$.minutes',
      });
    });
    afterAll(async () => {
      for (const child of running) child.kill('SIGKILL');
      for (const child of running) if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await database.drop();
      await keys.clear();
      await rm(folder, { recursive: true, force: true });
    });

    it('count every event once while aggregators come, are killed and are stopped, and take over within 10 s', async () => {
      const a = await start('aggregator');
      const b = await start('aggregator');
      await msUntil(async () => (await Promise.all([a, b].map(partitionsOf))).join() === '4,4');
      await send(200);
      await msUntil(async () => (await counted()) === sent / 2);

      await end(a, 'SIGKILL');
      await send(200);
      const afterDeathMs = await msUntil(async () => (await partitionsOf(b)) === PARTITIONS && (await counted()) === sent / 2);
      expect(afterDeathMs).toBeLessThan(TAKEOVER_MS_MAX);

      const c = await start('aggregator');
      await msUntil(async () => (await Promise.all([b, c].map(partitionsOf))).join() === '4,4');
      await send(200);
      expect(await end(b, 'SIGTERM')).toBe(0);
      const afterStopMs = await msUntil(async () => (await partitionsOf(c)) === PARTITIONS && (await counted()) === sent / 2);
      // Sooner than a death is believed: it was told.
      expect(afterStopMs).toBeLessThan(5_000);
      await call(ingest, 'POST', '/v1/events/e0/void');
      await msUntil(async () => (await counted()) === (sent - 1) / 2);
    });

    const inYear = <T>(method: string, route: string, body?: unknown) => call<T>(api, method, route, body, keyOfYear);
    const clockOfYear = () => inYear<{ now: string; movingTo: string | null }>('GET', '/v1/clock');

    it('take the clock of a sandbox on its way, from two rating workers, one of which dies', async () => {
      workers = await Promise.all([start('rating-worker'), start('rating-worker')]);
      const year = { key: 'year', name: 'Year', clock: '2025-01-01T00:00:00Z' };
      keyOfYear = (await call<{ apiKey: string }>(api, 'POST', '/v1/sandboxes', year)).apiKey;
      await inYear('PUT', '/v1/invoice-schedule', { cron: '5 0 1 * *' });
      const rateCards = [{ key: 'base', name: 'Base', price: { model: 'flat', amount: '31.00' } }];
      const billingPeriod = { every: 'month', anchor: 'calendar' };
      await inYear('POST', '/v1/plans', { key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards });
      for (const customer of ['one', 'two', 'three']) {
        await inYear('POST', '/v1/customers', { key: customer, name: customer, currency: 'USD', subjects: [] });
        await inYear('POST', '/v1/subscriptions', { customer, plan: 'pro' });
      }
      moving = inYear('POST', '/v1/clock', { advance: 'P1YT1H' });
      await msUntil(async () => (await clockOfYear()).now > '2025-03-01');
      const onTheirWay = await Promise.all(workers.map((worker) => metric(worker, 'sandbox_clocks_moving')));
      expect(onTheirWay).toContain(1);
      await killWorker();
      expect((await clockOfYear()).movingTo).not.toBeNull();
    });

    it('fire each alert once with several rating workers, also when one of them dies', async () => {
      workers.push(await start('rating-worker'));
      const rateCards = [{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '1' } }];
      const billingPeriod = { every: 'month', anchor: 'calendar' };
      await call(api, 'POST', '/v1/customers', {
        key: 'acme',
        name: 'Acme',
        currency: 'USD',
        timezone: 'UTC',
        subjects: ['ann'],
      });
      await call(api, 'POST', '/v1/plans', { key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards });
      const startsAt = `${new Date().toISOString().slice(0, 7)}-01T00:00:00Z`;
      await call(api, 'POST', '/v1/subscriptions', { customer: 'acme', plan: 'pro', startsAt });
      await call(api, 'POST', '/v1/alert-rules', {
        key: 'spent',
        customer: 'acme',
        thresholds: ['1', '400', '1000'],
      });
      const fired = async () => {
        const { items } = await call<{ items: { threshold: string }[] }>(api, 'GET', '/v1/alert-occurrences');
        return items.map(({ threshold }) => threshold).toSorted().join(); // prettier-ignore
      };
      await msUntil(async () => (await fired()) === '1');
      for (let n = 0; n < 5; n += 1) await send(100);
      await msUntil(async () => (await fired()) === '1,400');
      await killWorker();
      for (let n = 0; n < 10; n += 1) await send(100);
      await msUntil(async () => (await fired()) === '1,1000,400');
    });

    it('have the sandbox arrive, every month invoiced once, at its time', async () => {
      await moving;
      await msUntil(async () => (await clockOfYear()).movingTo === null);
      const { items } = await inYear<{ items: { customer: string; period: { to: string }; total: string; issuedAt: string }[] }>(
        'GET',
        '/v1/invoices?limit=100',
      );
      const told = items.map(
        ({ customer, period, total, issuedAt }) => `${customer} ${period.to} ${total} ${issuedAt.slice(0, 10)}`,
      );
      const ends = Array.from({ length: 12 }, (_, month) => new Date(Date.UTC(2025, month + 1)).toISOString().slice(0, 10));
      const due = ['one', 'two', 'three'].flatMap((customer) => ends.map((end) => `${customer} ${end}T00:00:00Z 31.00 ${end}`));
      expect(told.toSorted()).toEqual(due.toSorted());
    });

    it('reconcile', async () => {
      const { invariants } = await call<{ invariants: { differences: string[] }[] }>(api, 'GET', '/v1/reconciliation');
      expect(invariants.flatMap(({ differences }) => differences)).toEqual([]);
    });
  });
});

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
