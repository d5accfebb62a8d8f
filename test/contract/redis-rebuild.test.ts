import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { invoiceRoutes } from '@meterline/api';
import { openRedisQueue, type RedisQueue } from '@meterline/backends/redis';
import { processInvoiceRuns, requestInvoiceRun, startDueRuns } from '@meterline/pipeline/invoices';
import type { InvoiceStore, JobQueue } from '@meterline/pipeline/ports';
import { createHttpServer } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { freshDatabase, freshPrefix, onEngines, onOwnRedis } from '../engines/index.ts';
import { openRatingFixture } from '../support/rating.ts';

const CUSTOMERS = 12;

await onEngines('invoice runs when Redis is lost', ['postgres', 'redis'], async ({ postgres, redis }) => {
  const fresh = await freshDatabase(postgres);
  afterAll(() => fresh.drop());
  const stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  async function openQueue(url: string, prefix: string): Promise<RedisQueue> {
    const jobs = await openRedisQueue({ url, prefix, timeoutMs: 1000, lockMs: 1000, onError: () => undefined });
    stops.push(() => jobs.close());
    return jobs;
  }

  /** Customers with two ended months each. */
  async function openBilling() {
    const database = await fresh.open();
    const it = await openRatingFixture(database, '2026-03-01T12:00:00Z');
    await it.meter('calls');
    await it.plan('pro', [{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.01' } }]);
    for (let index = 0; index < CUSTOMERS; index += 1) {
      await it.customer(`c${index}`, [`s${index}`]);
      await it.subscribe(`c${index}`, 'pro', '2026-01-01T00:00:00Z');
      await it.use('calls', `s${index}`, '2026-02-10T00:00:00Z', '100');
    }
    const portsOn = (jobs: JobQueue, invoices: InvoiceStore = it.ports.invoices) => ({
      ...it.ports,
      jobs,
      invoices,
    });
    const complete = async (id: string) => (await it.ports.invoices.run(id, it.tenant))?.state === 'complete';
    return { it, portsOn, complete };
  }

  async function expectAllInvoicedOnce(it: Awaited<ReturnType<typeof openBilling>>['it']): Promise<void> {
    const invoices = await it.invoices();
    expect(invoices).toHaveLength(2 * CUSTOMERS);
    const numbers = invoices.map(({ number }) => Number(/\d+$/.exec(number)?.[0])).toSorted((one, other) => one - other);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(await it.messages('invoice.finalized')).toHaveLength(2 * CUSTOMERS);
  }

  describe('invoice runs when Redis is lost', () => {
    test('runs whose jobs are gone are enqueued again from the billing store on request, and done once', async () => {
      const { prefix, clear } = freshPrefix(redis);
      stops.push(clear);
      const { it, portsOn, complete } = await openBilling();
      const ports = portsOn(await openQueue(redis.url, prefix));
      const runs = [await requestInvoiceRun(ports, undefined, it.tenant), await requestInvoiceRun(ports, undefined, it.tenant)];
      expect(await ports.jobs.counts('invoice-runs')).toMatchObject({ waiting: 2 });
      await clear();
      expect(await ports.jobs.counts('invoice-runs')).toMatchObject({ waiting: 0 });

      const server = await createHttpServer({
        logger: createLogger({ level: 'silent', service: 'test' }),
        metrics: createMetrics({ processMetrics: false }),
        authenticate: async () => ({ tenant: it.tenant, keyId: 'k', scopes: new Set(['admin'] as const) }),
        openapi: { title: 'Test', version: '1' },
        bodyBytesMax: 1000,
      });
      invoiceRoutes(server, ports);
      const rebuild = () => server.inject({ method: 'POST', url: '/v1/queues/rebuild', headers: { authorization: 'Bearer k' } });
      expect((await rebuild()).json()).toEqual({ invoiceRuns: 2, planMoves: 0 });
      expect((await rebuild()).json()).toEqual({ invoiceRuns: 2, planMoves: 0 });
      expect(await ports.jobs.counts('invoice-runs')).toMatchObject({ waiting: 2 });
      await processInvoiceRuns(ports);
      for (const run of runs) await expect.poll(() => complete(run.id), { timeout: 20_000 }).toBe(true);
      expect((await rebuild()).json()).toEqual({ invoiceRuns: 0, planMoves: 0 });
      await expectAllInvoicedOnce(it);
      await server.close();
    });
  });

  await onOwnRedis('invoice runs when Redis is killed', (startRedis) => {
    test('a Redis killed in the middle of a run, and back empty, delays invoices and loses or doubles none', async () => {
      const own = await startRedis();
      stops.push(own.stop);
      const { it, portsOn, complete } = await openBilling();
      const halfway = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      let issued = 0;
      const invoices: InvoiceStore = {
        ...it.ports.invoices,
        async issue(draft, tenant) {
          if ((issued += 1) === CUSTOMERS) {
            halfway.resolve();
            await goOn.promise;
          }
          return it.ports.invoices.issue(draft, tenant);
        },
      };
      const ports = portsOn(await openQueue(own.address.url, 'own'), invoices);
      await processInvoiceRuns(ports);
      const first = await requestInvoiceRun(ports, undefined, it.tenant);
      await halfway.promise;
      await own.kill();
      // Who asks for a run meanwhile gets one: the billing store has it.
      const second = await requestInvoiceRun(ports, undefined, it.tenant);
      expect(second.state).toBe('running');
      await own.start();
      goOn.resolve();
      // What the rating worker does at its start, and every half minute.
      await expect.poll(() => startDueRuns(ports).then(() => true, () => false), { timeout: 20_000 }).toBe(true); // prettier-ignore
      for (const run of [first, second]) await expect.poll(() => complete(run.id), { timeout: 30_000 }).toBe(true);
      await expectAllInvoicedOnce(it);
    });
  });
});
