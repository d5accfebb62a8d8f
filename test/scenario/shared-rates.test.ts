import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEventLog, type Opening } from '@meterline/composition/engines';
import { storeAdminKey } from '@meterline/composition/installation';
import { postgresSegmentLedger } from '@meterline/backends/postgres';
import { systemClock } from '@meterline/runtime/clock';
import { readSettings } from '@meterline/runtime/config';
import { createHealth } from '@meterline/runtime/health';
import { createLogger } from '@meterline/runtime/logging';
import { startService, type ServiceProcess } from '../cluster/service-process.ts';
import { freePort } from '../engines/child.ts';
import { freshDatabase, onEngines, onOwnRedis } from '../engines/index.ts';

const TITLE = 'ingest processes that share the rates of tenants';
const ADMIN_KEY = 'shared-rates-admin-key';
const EVENTS_PER_SECOND = 10;

await onEngines(TITLE, ['kafka', 'postgres'], async ({ kafka, postgres }) => {
  await onOwnRedis(TITLE, (startRedis) => {
    describe(TITLE, () => {
      let redis: Awaited<ReturnType<typeof startRedis>>;
      let database: Awaited<ReturnType<typeof freshDatabase>>;
      let processes: ServiceProcess[];
      let sent = 0;

      beforeAll(async () => {
        [redis, database] = await Promise.all([startRedis(), freshDatabase(postgres)]);
        const env = {
          METERLINE_BACKEND: 'distributed',
          METERLINE_PARTITIONS: '2',
          METERLINE_KAFKA_BROKERS: kafka.brokers.join(),
          METERLINE_KAFKA_TOPIC: new URL(database.url).pathname.slice(1),
          METERLINE_POSTGRES_URL: database.url,
          METERLINE_REDIS_URL: redis.address.url,
          METERLINE_INGEST_TENANT_EVENTS_PER_SECOND: String(EVENTS_PER_SECOND),
        };
        await prepare(env);
        processes = await Promise.all(
          [0, 1].map(async () => {
            const main = 'services/ingest/src/main.ts';
            const started = startService({ main, env, port: await freePort(), onLine: () => undefined });
            await started.ready();
            return started;
          }),
        );
      });
      afterAll(async () => {
        await Promise.all(processes.map((one) => one.end('SIGKILL')));
        await Promise.all([database.drop(), redis.stop()]);
      });

      /** What ingest needs of an installation: it works without a usage store. */
      async function prepare(env: Record<string, string>): Promise<void> {
        const stops: (() => Promise<void> | void)[] = [];
        const opening: Opening = {
          settings: readSettings(env),
          logger: createLogger({ level: 'silent', service: 'test' }),
          health: createHealth(),
          onStop: (_part, stop) => void stops.push(stop),
        };
        const store = await database.open();
        await openEventLog(opening, store, { registering: true });
        await postgresSegmentLedger(store).setAcceptance({ pastMs: 86_400_000, futureMs: 60_000 });
        await storeAdminKey({ database: store, clock: systemClock() }, ADMIN_KEY);
        for (const stop of stops) await stop();
      }

      async function send(to: ServiceProcess | undefined): Promise<number> {
        sent += 1;
        const response = await fetch(`${to?.url}/v1/events`, {
          method: 'POST',
          headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
          body: JSON.stringify({ id: `e${sent}`, source: 'test', type: 'call', subject: 'ann' }),
        });
        if (response.status === 429) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
        await response.arrayBuffer();
        return response.status;
      }

      async function decisions({ url }: ServiceProcess, scope: 'shared' | 'local'): Promise<number> {
        const exposed = await (await fetch(`${url}/metrics`)).text();
        const line = new RegExp(`^meterline_ingest_rate_decisions_total{scope="${scope}"} (\\d+)$`, 'm');
        return Number(line.exec(exposed)?.[1] ?? 0);
      }

      async function total(scope: 'shared' | 'local'): Promise<number> {
        const [one = 0, other = 0] = await Promise.all(processes.map((each) => decisions(each, scope)));
        return one + other;
      }

      it('grant a tenant its rate together, and refuse the rest with when to come back', async () => {
        for (const one of processes) await expect.poll(() => send(one), { timeout: 20_000 }).toBe(202);
        const before = await total('local');
        const beganMs = performance.now();
        const answers: number[] = [];
        while (answers.length < 200) answers.push(...(await Promise.all([0, 1, 0, 1].map((n) => send(processes[n])))));
        const seconds = (performance.now() - beganMs) / 1000;
        // Those that a stalled machine had decided without Redis are granted beside the rate.
        const alone = (await total('local')) - before;
        expect(alone).toBeLessThan(20);
        const granted = answers.filter((status) => status === 202).length;
        expect(granted).toBeGreaterThanOrEqual(EVENTS_PER_SECOND / 2);
        expect(granted - alone).toBeLessThanOrEqual(EVENTS_PER_SECOND * (1 + seconds) + 1);
        expect(answers.filter((status) => status === 429)).toHaveLength(200 - granted);
      });

      it('go on taking events while Redis is gone, each by its own count, are ready, and show it', async () => {
        await redis.kill();
        for (const one of processes) {
          const before = await decisions(one, 'local');
          await expect.poll(() => send(one), { timeout: 20_000 }).toBe(202);
          expect(await decisions(one, 'local')).toBeGreaterThan(before);
          expect((await fetch(`${one.url}/readyz`)).status).toBe(200);
        }
        await redis.start();
        const before = await total('shared');
        const sharedAgain = async () => {
          await Promise.all(processes.map(send));
          return (await total('shared')) > before;
        };
        await expect.poll(sharedAgain, { timeout: 20_000 }).toBe(true);
      });
    });
  });
});
