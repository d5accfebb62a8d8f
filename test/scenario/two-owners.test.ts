import { afterEach, describe, expect, it } from 'vitest';
import type { Meter } from '@meterline/domain/meters';
import { Aggregator, type AggregationStep } from '@meterline/pipeline/aggregation';
import { LeaseLostError, type Lease, type SegmentLedger } from '@meterline/pipeline/ports';
import { reconcile } from '@meterline/pipeline/reconcile';
import { openTestPipeline, type TestEvent, type TestPipeline } from '../support/pipeline.ts';
import { modelUsage, seededRandom } from '../support/usage-model.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const SPAN = { fromMs: NOW - 86_400_000, toMs: NOW + 86_400_000 };
const WINDOW_MS = 36 * 86_400_000;
const STEPS: readonly AggregationStep[] = [
  'acquired',
  'read',
  'planned',
  'written.ahead',
  'derived',
  'written.event_key',
  'written.event',
  'written.usage_delta',
  'written',
  'committed',
];

let open: TestPipeline | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** Says it owns partition 0 whenever it is refused, as a process would that does not believe in its death. */
function claimant(pipeline: TestPipeline, ledger: SegmentLedger) {
  const { log, usage } = pipeline;
  let pauseAt: AggregationStep | undefined;
  let paused = Promise.withResolvers<void>();
  let resumed = Promise.withResolvers<void>();
  const aggregator = new Aggregator(
    { log, ledger, usage },
    {
      owner: 'both',
      partitions: [0],
      limits: { segmentRecordsMax: 7, segmentBytesMax: 1_000_000, writeAheadRecords: 3 },
      onStep: (step) => {
        if (step !== pauseAt) return undefined;
        pauseAt = undefined;
        paused.resolve();
        return resumed.promise;
      },
    },
  );

  async function run(): Promise<void> {
    for (;;) {
      try {
        await aggregator.acquire(new AbortController().signal, NOW, WINDOW_MS);
        while ((await aggregator.cycle()).records > 0);
        return;
      } catch (error) {
        if (!(error instanceof LeaseLostError)) throw error;
      }
    }
  }

  let running: Promise<void> = Promise.resolve();
  return {
    /** Works until it stands at `step`, or until all is done. */
    async runTo(step: AggregationStep): Promise<void> {
      paused = Promise.withResolvers();
      resumed = Promise.withResolvers();
      pauseAt = step;
      running = run();
      await Promise.race([paused.promise, running]);
    },
    /** Goes on from where it stands until all is done. */
    async finish(): Promise<void> {
      pauseAt = undefined;
      resumed.resolve();
      await running;
    },
  };
}

async function openScene(ledgerOf: (pipeline: TestPipeline) => SegmentLedger) {
  const pipeline = await openTestPipeline();
  open = pipeline;
  const random = seededRandom(11);
  const sent: TestEvent[] = [];
  const meters: Meter[] = [];
  for (const aggregation of ['count', 'sum'] as const)
    meters.push(
      await pipeline.meter({ key: aggregation, aggregation, valueProperty: '$.value', dimensions: { media: '$.media' } }),
    );

  /** Of five records one repeats an earlier one. */
  async function append(count: number): Promise<void> {
    const records = Array.from({ length: count }, (_, n): TestEvent => {
      const earlier = sent[Math.floor(random() * sent.length)];
      if (earlier !== undefined && random() < 0.2) return earlier;
      const time = new Date(NOW - Math.floor(random() * 600_000)).toISOString();
      return { id: `e${sent.length}-${n}`, subject: 's', time, data: { value: (random() * 9).toFixed(2), media: 'audio' } };
    });
    sent.push(...records);
    await pipeline.append(records, NOW);
  }

  async function differences(): Promise<string[]> {
    const model = modelUsage(sent, meters, { nowMs: NOW, ...SPAN });
    const found = await Promise.all(meters.map((meter) => pipeline.reader.usage({ meter, ...SPAN, bySubject: true })));
    return meters.flatMap(({ key }, index) => {
      const stored = found[index]?.rows.map(({ value, events }) => `${value} of ${events}`).join();
      const expected = model.get(key)?.map(({ value, events }) => `${value} of ${events}`).join(); // prettier-ignore
      return stored === expected ? [] : [`${key}: ${stored}, the model says ${expected}`];
    });
  }

  /** Each pauses at its step while the other goes on, and records arrive all the time. */
  async function play(firstAt: AggregationStep, secondAt: AggregationStep): Promise<string[]> {
    const ledger = ledgerOf(pipeline);
    const [first, second] = [claimant(pipeline, ledger), claimant(pipeline, ledger)];
    await append(5);
    await first.runTo(firstAt);
    await append(5);
    await second.runTo(secondAt);
    await append(3);
    await first.finish();
    await second.finish();
    return await differences();
  }

  return { pipeline, meters, play, differences };
}

/** The ledger without its check of the lease: whoever comes may plan and commit. */
function unchecked({ ledger, database }: TestPipeline): SegmentLedger {
  return {
    ...ledger,
    async plan(logId, _leases, ranges) {
      const configVersion = await ledger.configVersion();
      for (const { partition, start, end } of ranges) {
        await database.query(
          `insert into segment (log_id, partition, start_offset, end_offset, state, config_version)
           select $1, $2, $3, $4, 'planned', $5
           where not exists (select from segment where log_id = $1 and partition = $2 and start_offset < $4 and end_offset > $3)`,
          [logId, partition, start, end, configVersion],
        );
      }
      return ranges.map((range) => ({ ...range, configVersion }));
    },
    async commit(logId, _leases, segments) {
      for (const { partition, start, end, manifest } of segments) {
        await database.query(
          `update segment set state = 'committed', manifest = $4::jsonb where log_id = $1 and partition = $2 and start_offset = $3`,
          [logId, partition, start, JSON.stringify(manifest)],
        );
        await database.query(`update lease set next_offset = $3 where log_id = $1 and partition = $2`, [logId, partition, end]);
      }
    },
  };
}

/** The ledger with its check of the next offset, but not of the epoch: everybody has the newest. */
function epochless({ ledger, database }: TestPipeline): SegmentLedger {
  const renewed = async (leases: readonly Lease[]): Promise<Lease[]> => {
    const [row] = await database.query<{ epoch: string }>('select epoch from lease where partition = 0');
    return leases.map((lease) => ({ ...lease, epoch: Number(row?.epoch) }));
  };
  return {
    ...ledger,
    plan: async (logId, leases, ranges) => ledger.plan(logId, await renewed(leases), ranges),
    commit: async (logId, leases, segments, wakes) => ledger.commit(logId, await renewed(leases), segments, wakes),
  };
}

describe('two live owners of one partition', () => {
  it('count everything once, at whatever step either of them stands while the other goes on', async () => {
    const { pipeline, meters, play } = await openScene(({ ledger }) => ledger);
    for (const firstAt of STEPS)
      for (const secondAt of ['read', 'planned', 'written.ahead', 'written', 'committed'] as const)
        expect(await play(firstAt, secondAt), `first at ${firstAt}, second at ${secondAt}`).toEqual([]);
    const { invariants } = await reconcile({
      ...pipeline,
      meters: async () => meters.map((meter) => ({ meter, backfilled: false })),
    });
    expect(invariants.flatMap(({ differences }) => differences)).toEqual([]);
  }, 300_000);

  it.each([
    ['read', 'committed'],
    ['written', 'read'],
  ] as const)('count wrongly once the lease is not checked: first at %s, second at %s', async (firstAt, secondAt) => {
    const { play } = await openScene(unchecked);
    expect(await play(firstAt, secondAt)).not.toEqual([]);
  });

  it('run into the rules of the ledger, which hold at the last, once only the epoch is not checked', async () => {
    const { play } = await openScene(epochless);
    await expect(play('acquired', 'planned')).rejects.toThrow('overlaps another one');
  });
});
