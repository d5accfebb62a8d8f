import { clickhouseUsageStore, openClickhouse, type Clickhouse } from '@meterline/backends/clickhouse';
import type { Meter } from '@meterline/domain/meters';
import { reconcile } from '@meterline/pipeline/reconcile';
import type { UsageStore, UsageTable } from '@meterline/pipeline/ports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onEngines } from '../engines/index.ts';
import { migrateTestServer } from '../support/clickhouse.ts';
import { startFaultProxy, type FaultProxy, type LinkFault } from '../support/fault-proxy.ts';
import { openTestPipeline, type TestEvent, type TestPipeline } from '../support/pipeline.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const TABLES: readonly UsageTable[] = ['event_key', 'event', 'refused_event', 'usage_delta'];

await onEngines('the usage store over a bad link', ['clickhouse'], ({ clickhouse: { url } }) => {
  describe('the usage store over a bad link', () => {
    let proxy: FaultProxy;
    /** Its client goes through the proxy; the pipeline has a sound link of its own. */
    let far: Clickhouse;
    let pipeline: TestPipeline;
    let meter: Meter;
    let round = 0;

    beforeAll(async () => {
      const { server, drop } = await migrateTestServer(url);
      const { hostname, port } = new URL(url);
      proxy = await startFaultProxy({ host: hostname, port: Number(port) });
      far = await openClickhouse({ ...server, urls: [`http://127.0.0.1:${proxy.port}`], requestTimeoutMs: 1_000 });
      const near = await openClickhouse(server);
      const close = async () => {
        await near.close();
        await drop();
      };
      pipeline = await openTestPipeline({ clickhouse: async () => ({ client: near.client, close }) });
      meter = await pipeline.meter({ key: 'sum', aggregation: 'sum' });
    });
    afterAll(async () => {
      await far.close();
      await proxy.close();
      await pipeline.close();
    });

    /** Writes `table` over the bad link and the others over the sound one, noting what was written. */
    function storeWith(table: UsageTable, written: UsageTable[]): UsageStore {
      const overBadLink = clickhouseUsageStore(far.client);
      return {
        ...pipeline.usage,
        async write(to, body) {
          written.push(to);
          await (to === table ? overBadLink : pipeline.usage).write(to, body);
        },
      };
    }

    const events = (): TestEvent[] => {
      round += 1;
      const fresh = Array.from({ length: 10 }, (_, n) => ({ id: `${round}-${n}`, subject: `s${n % 3}`, data: { value: '0.5' } }));
      // a duplicate and a conflict, so that every table has rows
      return [...fresh, ...fresh.slice(0, 1), { ...fresh[0], id: `${round}-1`, data: { value: '99' } }];
    };

    async function expectExact(): Promise<void> {
      const { rows } = await pipeline.reader.usage({ meter, fromMs: NOW - 3_600_000, toMs: NOW + 3_600_000 });
      expect(rows.map(({ value, events: counted }) => [Number(value), counted])).toEqual([[round * 5, round * 10]]);
      const result = await reconcile({ ...pipeline, meters: async () => [{ meter, backfilled: false }] });
      expect(result.invariants.flatMap(({ differences }) => differences)).toEqual([]);
    }

    async function failThenRecover(table: UsageTable, fault: LinkFault): Promise<UsageTable[]> {
      await pipeline.append(events(), NOW);
      const first = await pipeline.aggregator({ usage: storeWith(table, []) });
      proxy.set(fault);
      await expect(first.aggregator.cycle()).rejects.toMatchObject({ kind: 'unavailable' });
      proxy.set({ kind: 'none' });
      const written: UsageTable[] = [];
      const second = await pipeline.aggregator({ usage: storeWith(table, written) });
      await pipeline.settle(second.aggregator);
      await expectExact();
      return written;
    }

    it.each(TABLES.flatMap((table) => [0, 30].map((afterBytes) => ({ table, afterBytes }))))(
      'an insert into $table that was applied, its answer cut after $afterBytes bytes, is found and neither written nor counted twice',
      async ({ table, afterBytes }) => {
        expect(await failThenRecover(table, { kind: 'cut_response', afterBytes })).not.toContain(table);
      },
    );

    it.each(
      TABLES.flatMap((table) => [
        { table, fault: { kind: 'cut_request', afterBytes: 200 } as const },
        { table, fault: { kind: 'refuse' } as const },
      ]),
    )('an insert into $table that did not arrive ($fault.kind) is written again, once', async ({ table, fault }) => {
      const written = await failThenRecover(table, fault);
      expect(written.filter((one) => one === table)).toEqual([table]);
    });

    it('an insert whose answer never comes fails in time, and is found', async () => {
      await pipeline.append(events(), NOW);
      const { aggregator } = await pipeline.aggregator({ usage: storeWith('event', []) });
      await far.client.ping();
      proxy.set({ kind: 'hold' });
      await expect(aggregator.cycle()).rejects.toMatchObject({ kind: 'unavailable' });
      proxy.set({ kind: 'none' });
      const next = await pipeline.aggregator();
      await pipeline.settle(next.aggregator);
      await expectExact();
    });

    it.each<LinkFault>([{ kind: 'refuse' }, { kind: 'cut_request', afterBytes: 50 }, { kind: 'cut_response', afterBytes: 250 }])(
      'a query is asked again when its link breaks ($kind), and answers whole',
      async (fault) => {
        const usage = clickhouseUsageStore(far.client);
        const whole = await pipeline.usage.scanPartition(0, 0, 10_000);
        expect(whole.length).toBeGreaterThan(0);
        await far.client.ping();
        const before = proxy.brokenConnections;
        proxy.set(fault, 2);
        expect(await usage.scanPartition(0, 0, 10_000)).toEqual(whole);
        expect(proxy.brokenConnections).toBe(before + 2);
      },
    );

    it('a slow link only takes longer', async () => {
      proxy.set({ kind: 'delay', delayMs: 50 });
      expect(await clickhouseUsageStore(far.client).tally(0, 10_000)).toEqual(await pipeline.usage.tally(0, 10_000));
      proxy.set({ kind: 'none' });
    });

    it('trouble names what is wrong while it is', async () => {
      expect(await far.trouble()).toBeUndefined();
      proxy.set({ kind: 'refuse' });
      expect(await far.trouble()).toMatch(/ECONNRESET|socket hang up/);
      proxy.set({ kind: 'none' });
      expect(await far.trouble()).toBeUndefined();
    });
  });
});
