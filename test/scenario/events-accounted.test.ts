import { clickhouseEventAccounting } from '@meterline/backends/clickhouse';
import { catalogStores, invoiceStore, prepaidStore, ratingStore } from '@meterline/backends/postgres';
import { executeInvoiceRun, requestInvoiceRun } from '@meterline/pipeline/invoices';
import type { Cut, EventTally, RatedSpan } from '@meterline/pipeline/ports';
import { eventsAccounted, reconcile } from '@meterline/pipeline/reconcile';
import { testClock } from '@meterline/runtime/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestPipeline, type TestEvent, type TestPipeline } from '../support/pipeline.ts';
import { fakeJobs } from '../support/rating.ts';
import { seededRandom } from '../support/usage-model.ts';

const PARTITIONS = 3;

let pipeline: TestPipeline;
beforeEach(async () => {
  pipeline = await openTestPipeline({ partitions: PARTITIONS });
});
afterEach(() => pipeline.close());

/** Two subscriptions of one customer bill the same calls by the month. */
async function billing() {
  const { database, tenant } = pipeline;
  const clock = testClock('2026-02-20T12:00:00Z');
  const catalog = catalogStores(database);
  const invoices = invoiceStore(database);
  const ports = {
    usage: pipeline.reader,
    accounts: ratingStore(database),
    meters: catalog.meters,
    invoices,
    prepaid: prepaidStore(database),
    ledger: pipeline.ledger,
    log: pipeline.log,
    clock,
    serverClock: clock,
    jobs: fakeJobs(),
  };
  const meter = await pipeline.meter({ key: 'calls', aggregation: 'count' });
  const rateCards = [{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.01' } }] as const;
  await catalog.customers.insert(
    { key: 'acme', name: 'Acme', currency: 'USD', timezone: 'UTC', subjects: ['a1', 'a2'] },
    clock.nowMs(),
    tenant,
  );
  for (const key of ['calls', 'support']) {
    await catalog.plans.insert(
      { key, name: key, currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' }, rateCards },
      clock.nowMs(),
      tenant,
    );
    const startsAtMs = Date.parse('2026-02-01T00:00:00Z');
    await catalog.subscriptions.insert(
      { id: `sub_${key}`, customer: 'acme', plan: key, planVersion: 1, startsAtMs },
      { startDayMs: startsAtMs, nowMs: clock.nowMs() },
      tenant,
    );
  }
  const { aggregator } = await pipeline.aggregator({ segmentRecordsMax: 2 });
  const accounting = clickhouseEventAccounting(pipeline.client);

  return {
    async use(events: Parameters<TestPipeline['append']>[0]): Promise<void> {
      await pipeline.append(events, clock.nowMs());
      await pipeline.settle(aggregator);
    },

    async invoice(at: string): Promise<void> {
      clock.moveTo(Date.parse(at));
      await executeInvoiceRun(ports, await requestInvoiceRun(ports, undefined, tenant));
    },

    /** The statement about events, as reconcile answers it. */
    async accounted() {
      const { invariants } = await reconcile({
        ...pipeline,
        meters: async () => [{ meter, backfilled: false }],
        more: [(cut, accepted) => eventsAccounted({ accounting, invoices }, cut, accepted)],
      });
      const statement = invariants.find(({ name }) => name === 'accepted = invoiced + pending + adjusted');
      if (statement === undefined) throw new Error('reconcile did not account for events');
      return statement;
    },
  };
}

const call = (id: string, subject: string, time: string): TestEvent => ({ id, subject, time });

describe('every accepted event', () => {
  it('is invoiced, adjusted, pending or withdrawn, once, from its arrival to the invoice that settles it', async () => {
    const { use, invoice, accounted } = await billing();
    expect(await accounted()).toMatchObject({ holds: true, counts: { events: 0, invoiced: 0 } });
    await use([
      call('1', 'a1', '2026-02-10T00:00:00Z'),
      call('2', 'a1', '2026-02-11T00:00:00Z'),
      call('3', 'a2', '2026-02-12T00:00:00Z'),
      call('4', 'nobody', '2026-02-12T00:00:00Z'),
      call('5', 'a1', '2026-02-13T00:00:00Z'),
      { id: '5', kind: 'void' },
    ]);
    expect((await accounted()).counts).toEqual({ events: 5, invoiced: 0, adjusted: 0, pending: 4, withdrawn: 1 });

    await invoice('2026-03-01T00:00:10Z');
    expect((await accounted()).counts).toEqual({ events: 5, invoiced: 3, adjusted: 0, pending: 1, withdrawn: 1 });

    // Late for February, one withdrawn and one replaced after they were invoiced, and one of March.
    await use([
      call('6', 'a1', '2026-02-28T23:00:00Z'),
      { id: '2', kind: 'void' },
      { ...call('3', 'a2', '2026-02-12T01:00:00Z'), kind: 'replace' },
      call('7', 'a2', '2026-03-01T00:00:00Z'),
    ]);
    expect((await accounted()).counts).toEqual({ events: 8, invoiced: 1, adjusted: 0, pending: 4, withdrawn: 3 });

    await invoice('2026-04-01T00:00:10Z');
    await use([call('8', 'a1', '2026-03-31T23:59:59Z')]);
    const statement = await accounted();
    expect(statement.differences).toEqual([]);
    expect(statement.counts).toEqual({ events: 9, invoiced: 2, adjusted: 2, pending: 2, withdrawn: 3 });
  });

  it('is missed when its row is gone, when a segment states one more, and when a withdrawal points elsewhere', async () => {
    const { use, invoice, accounted } = await billing();
    const { client, database } = pipeline;
    await use([
      call('1', 'a1', '2026-02-10T00:00:00Z'),
      call('2', 'a1', '2026-02-11T00:00:00Z'),
      call('3', 'nobody', '2026-02-12T00:00:00Z'),
      { id: '1', kind: 'void' },
    ]);
    await invoice('2026-03-01T00:00:10Z');
    expect((await accounted()).holds).toBe(true);

    await database.query(
      `update segment set manifest = jsonb_set(manifest, '{accepted}', to_jsonb((manifest->>'accepted')::int + 1))
       where (log_id, partition, start_offset) = (select log_id, partition, start_offset from segment order by partition, start_offset limit 1)`,
    );
    expect((await accounted()).differences).toEqual(['segments say 4 events were accepted, 3 are accounted for']);

    const settings = { mutations_sync: '1' } as const;
    await client.command({ query: `alter table event delete where subject = 'nobody'`, clickhouse_settings: settings });
    expect((await accounted()).differences).toEqual(['segments say 4 events were accepted, 2 are accounted for']);

    await client.command({
      query: `alter table event update target_offset = 1000 where kind = 'void'`,
      clickhouse_settings: settings,
    });
    expect((await accounted()).differences).toEqual([
      'default: 1 withdrawals more than events withdrawn',
      'segments say 4 events were accepted, 2 are accounted for',
    ]);
  });
});

describe('the tally of raw events', () => {
  it('is what looking at one event after the other gives, for random invoices, subjects and cuts', async () => {
    const { random, pick, dayMs } = dice();
    const { ledger, log, usage, tenant } = pipeline;
    await ledger.setAcceptance({ pastMs: 400 * 86_400_000, futureMs: 0 });
    const { aggregator } = await pipeline.aggregator({ segmentRecordsMax: 15 });
    const subjects = ['', 'a', 'A', 'ä', '東京', 'x"\\\'y', '😀', '\uffff'];
    const events = Array.from({ length: 200 }, (_, index) => ({
      ...call(String(index), pick(subjects), new Date(dayMs(90)).toISOString()),
      ...(random() < 0.5 ? { type: 'other' } : {}),
    }));
    await pipeline.append(events, dayMs(0) + 100 * 86_400_000);
    await pipeline.append(
      events.filter(() => random() < 0.2).map(({ id }) => ({ id, kind: 'void' as const })),
      dayMs(0) + 100 * 86_400_000,
    );
    await pipeline.settle(aggregator);

    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const boundaries = await Promise.all(partitions.map((partition) => ledger.segments(log.logId, partition)));
    const someCut = (ofLast = Infinity): Cut => boundaries.map((segments) => pick(segments.slice(-ofLast)).end);
    const span = (): RatedSpan => {
      const fromMs = dayMs(90);
      return { fromMs, toMs: fromMs + Math.floor(random() * 20 * 86_400_000), cut: someCut() };
    };
    const cut = someCut(2);
    const spans = () => Array.from({ length: 1 + Math.floor(random() * 3) }, span);
    const known = subjects.slice(1, -1).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const middle = known[3] ?? '';
    const rated = [known.slice(0, 2), known.slice(2, 3), known.slice(3, 5), known.slice(5)].map((group) => {
      return { subjects: group, invoiced: spans(), adjusted: spans() };
    });
    const ranges = [
      { from: '', to: middle, rated: rated.slice(0, 2) },
      { from: middle, to: null, rated: rated.slice(2) },
    ];

    const expected: EventTally[] = ranges.map(() => ({ withdrawn: 0, invoiced: 0, adjusted: 0, pending: 0, withdrawals: 0 }));
    for (const partition of partitions) {
      const end = cut[partition] ?? 0;
      const gone = new Set(await usage.withdrawnInPartition(partition, end));
      for (const { kind, offset, subject, timeMs } of await usage.scanPartition(partition, 0, end)) {
        const index = Buffer.compare(Buffer.from(subject), Buffer.from(middle)) < 0 ? 0 : 1;
        const group = rated.find((each) => each.subjects.includes(subject));
        const within = (list: readonly RatedSpan[] = []) =>
          list.some((each) => timeMs >= each.fromMs && timeMs < each.toMs && offset < (each.cut[partition] ?? 0));
        const is =
          kind === 'void' ? 'withdrawals'
          : gone.has(offset) ? 'withdrawn'
          : within(group?.invoiced) ? 'invoiced'
          : within(group?.adjusted) ? 'adjusted'
          : 'pending'; // prettier-ignore
        const tally = expected[index];
        if (tally !== undefined) expected[index] = { ...tally, [is]: tally[is] + 1 };
      }
    }
    const accounting = clickhouseEventAccounting(pipeline.client);
    const tallies = [];
    for (const range of ranges) tallies.push(await accounting.tally(range, cut, tenant));
    expect(tallies).toEqual(expected);
    for (const part of ['withdrawn', 'invoiced', 'adjusted', 'pending'] as const) {
      expect(
        tallies.reduce((sum, tally) => sum + tally[part], 0),
        part,
      ).toBeGreaterThan(2);
    }
    expect(await accounting.tenants(cut)).toEqual([tenant]);
  });
});

function dice() {
  const random = seededRandom(7);
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  };
  const start = Date.parse('2026-01-01T00:00:00Z');
  return { random, pick, dayMs: (days: number) => start + Math.floor(random() * days * 86_400_000) };
}
