import { afterEach, describe, expect, it } from 'vitest';
import { createHash } from 'node:crypto';
import type { Meter } from '@meterline/domain/meters';
import { Aggregator, sealPass, type AggregationStep } from '@meterline/pipeline/aggregation';
import { reconcile } from '@meterline/pipeline/reconcile';
import {
  LeaseLostError,
  type RowIdentity,
  type SegmentLedger,
  type UsageStore,
  type UsageTable,
} from '@meterline/pipeline/ports';
import { openTestPipeline, type TestPipeline } from '../support/pipeline.ts';
import { seededRandom } from '../support/usage-model.ts';
import { MEDIA, METERS, SOURCE } from './catalog.ts';
import { checkReconciliation, checkUsage, type Observed } from './checks.ts';
import { createModel, type CountedEvent } from './model.ts';

const PARTITIONS = 3;
const NOW = Date.parse('2026-11-20T12:00:00Z');
const WINDOW_MS = 36 * 86_400_000;
const HALF_EVENTS = 150;
const ALL_TIME = { fromMs: Date.parse('2026-01-01T00:00:00Z'), toMs: Date.parse('2027-01-01T00:00:00Z') };

type Manifests = ReadonlyMap<string, Readonly<Record<UsageTable, RowIdentity>>>;

/** A pipeline on real engines with a model beside it: what the chaos run has, in one process. */
async function openScene() {
  const pipeline = await openTestPipeline({ partitions: PARTITIONS });
  const { log, ledger, usage, reader } = pipeline;
  const model = createModel();
  const random = seededRandom(7);
  const sent = { duplicate: 0, conflict: 0 };
  const meters: Meter[] = [];
  for (const meter of METERS) meters.push(await pipeline.meter({ ...meter, dimensions: { media: '$.media' } }));
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const known: CountedEvent[] = [];
  const record = ({ id, subject, timeMs, value, user, media }: CountedEvent) => ({ id, source: SOURCE, subject, time: new Date(timeMs).toISOString(), data: { value, user, media } }); // prettier-ignore

  function fresh(): CountedEvent {
    return {
      id: `e${known.length}`,
      subject: pick(['ann', 'bob']),
      timeMs: NOW - 3_600_000 + known.length * 1_000,
      value: (random() * 10).toFixed(3),
      user: pick(['u1', 'u2', 'u3']),
      media: pick(MEDIA),
    };
  }

  /** Appends new events, repeated ones and conflicting ones; the same ones in every scene. */
  async function append(): Promise<void> {
    const appends: Promise<void>[] = [];
    const send = (event: CountedEvent): unknown => appends.push(pipeline.append([record(event)], NOW));
    for (let n = 0; n < HALF_EVENTS; n += 1) {
      const earlier = known.length > 0 && random() < 0.3 ? pick(known) : undefined;
      if (earlier === undefined) {
        const event = fresh();
        known.push(event);
        model.add(event);
        send(event);
      } else if (random() < 0.7) {
        sent.duplicate += 1;
        send(earlier);
      } else {
        sent.conflict += 1;
        send({ ...earlier, value: '99.5' });
      }
    }
    await Promise.all(appends);
  }

  async function owner(
    how: { ledger?: SegmentLedger; usage?: UsageStore; onStep?: (step: AggregationStep) => void | Promise<void> } = {},
  ) {
    const ports = { log, ledger: how.ledger ?? ledger, usage: how.usage ?? usage };
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const aggregator = new Aggregator(ports, { owner: 'test', partitions, ...(how.onStep && { onStep: how.onStep }) });
    await (
      await aggregator.acquire(new AbortController().signal, NOW, WINDOW_MS)
    ).warmed;
    return aggregator;
  }

  async function settle(aggregator: Aggregator, store: UsageStore = usage): Promise<void> {
    while ((await aggregator.cycle()).records > 0);
    await sealPass({ logId: log.logId, ledger, usage: store, rewrite: (segment) => aggregator.rewrite(segment) });
  }

  const observed: Observed = {
    async usage(key) {
      const meter = meters.find((one) => one.key === key);
      if (meter === undefined) throw new Error(`there is no meter ${key}`);
      return (await reader.usage({ meter, ...ALL_TIME, bySubject: true, groupBy: ['media'] })).rows;
    },
    reconcile: () => reconcile({ ...pipeline, meters: async () => meters.map((meter) => ({ meter, backfilled: false })) }),
  };

  return {
    pipeline,
    append,
    owner,
    settle,
    /** The comparison that the chaos run makes. */
    differences: async () => [...(await checkUsage(observed, model)), ...(await checkReconciliation(observed, model, sent))],
    async manifests(): Promise<Manifests> {
      const all = await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => ledger.segments(log.logId, partition)));
      return new Map(all.flat().map(({ partition, start, manifest }) => [`${partition}:${start}`, manifest.identity]));
    },
  };
}

type Scene = Awaited<ReturnType<typeof openScene>>;

class Killed extends Error {}

const open: TestPipeline[] = [];
async function scene(): Promise<Scene> {
  const one = await openScene();
  open.push(one.pipeline);
  return one;
}
afterEach(async () => {
  for (const pipeline of open.splice(0)) await pipeline.close();
});

describe('skipping the ownership check', () => {
  /** An owner pauses with records read, another takes over and goes further, then the first goes on. */
  async function play(stale: (ledger: SegmentLedger) => SegmentLedger) {
    const { pipeline, append, owner, settle, differences } = await scene();
    const paused = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    await append();
    const first = await owner({
      ledger: stale(pipeline.ledger),
      onStep: (step) => {
        if (step !== 'read') return undefined;
        paused.resolve();
        return goOn.promise;
      },
    });
    const staleCycle = first.cycle().then(() => undefined, (error: unknown) => error); // prettier-ignore
    await paused.promise;
    await append();
    const second = await owner();
    await settle(second);
    goOn.resolve();
    const outcome = await staleCycle;
    await append();
    await settle(second);
    return { outcome, differences: await differences() };
  }

  /** Goes on as if it still owned what it asks for. */
  function unguarded(ledger: SegmentLedger): SegmentLedger {
    const ignoreLoss = (error: unknown): void => {
      if (!(error instanceof LeaseLostError)) throw error;
    };
    return {
      ...ledger,
      async plan(logId, leases, ranges) {
        const planned = await ledger.plan(logId, leases, ranges).catch(ignoreLoss);
        const configVersion = await ledger.configVersion();
        return planned ?? ranges.map((range) => ({ ...range, configVersion }));
      },
      commit: (logId, leases, segments, wakes) => ledger.commit(logId, leases, segments, wakes).catch(ignoreLoss),
    };
  }

  it('is caught: the stale owner spoils what its successor committed', async () => {
    const { outcome, differences } = await play(unguarded);
    expect(outcome).toBeUndefined();
    expect(differences).toContainEqual(expect.stringMatching(/^minutes of /));
    expect(differences).toContainEqual(expect.stringMatching(/^reconcile, stored rows are what segments derived/));
  });

  it('does not happen: the check stops the stale owner, and all is exact', async () => {
    const { outcome, differences } = await play((ledger) => ledger);
    expect(outcome).toBeInstanceOf(LeaseLostError);
    expect(differences).toEqual([]);
  });
});

/** A process dies when it reaches `step` and another recovers; `usage` is the store as each of them has it. */
async function dieAndRecover(
  step: AggregationStep,
  usageOf: (store: UsageStore, kill: () => never) => { first: UsageStore; second: UsageStore },
) {
  const one = await scene();
  const kill = (): never => {
    throw new Killed();
  };
  const { first, second } = usageOf(one.pipeline.usage, kill);
  await one.append();
  const dying = await one.owner({ usage: first, onStep: (reached) => (reached === step ? kill() : undefined) });
  await expect(dying.cycle()).rejects.toBeInstanceOf(Killed);
  const recovering = await one.owner({ usage: second });
  await one.settle(recovering, second);
  await one.append();
  await one.settle(recovering, second);
  return { differences: await one.differences(), manifests: await one.manifests() };
}

/** The store of a process that dies before it writes deltas; the other tables are written beside them, perhaps. */
function dyingBeforeDeltas(store: UsageStore): UsageStore {
  return {
    ...store,
    write: (table, body) => (table === 'usage_delta' ? Promise.reject(new Killed()) : store.write(table, body)),
  };
}

/** A store that believes what it is told was written, without looking. */
function believing(store: UsageStore, manifests: Manifests, isBelieved: (table: UsageTable) => boolean = () => true): UsageStore {
  return {
    ...store,
    async identities(table, segments) {
      if (!isBelieved(table)) return store.identities(table, segments);
      return segments.map(({ partition, start }) => manifests.get(`${partition}:${start}`)?.[table] ?? { rows: 0, xor: '0' });
    },
  };
}

describe('skipping the verification after an unknown outcome', () => {
  it('is caught: what the dead process had not written is missing', async () => {
    const healthy = await dieAndRecover('written', (store) => ({ first: dyingBeforeDeltas(store), second: store }));
    expect(healthy.differences).toEqual([]);
    for (const pipeline of open.splice(0)) await pipeline.close();

    const { differences } = await dieAndRecover('written', (store) => ({
      first: dyingBeforeDeltas(store),
      second: believing(store, healthy.manifests),
    }));
    expect(differences).toContainEqual(expect.stringMatching(/^minutes of /));
    expect(differences).toContainEqual(expect.stringMatching(/^reconcile, stored rows are what segments derived/));
  });
});

describe('trusting deduplication tokens', () => {
  /** As the engine does it: the token of a batch is durable before its rows are, and a batch whose token is known is dropped. */
  function tokens(manifests: Manifests) {
    const known = new Set<string>();
    const tables = new Set<UsageTable>();
    return (store: UsageStore, kill?: () => never): UsageStore =>
      believing(
        {
          ...store,
          async write(table, body) {
            const token = createHash('sha256').update(table).update(body).digest('hex');
            if (known.has(token)) return;
            known.add(token);
            tables.add(table);
            if (kill !== undefined && table === 'usage_delta') kill();
            await store.write(table, body);
          },
        },
        manifests,
        (table) => tables.has(table),
      );
  }

  it('is caught: a kill between token and rows loses the batch', async () => {
    const healthy = await dieAndRecover('written', (store) => ({ first: dyingBeforeDeltas(store), second: store }));
    expect(healthy.differences).toEqual([]);
    for (const pipeline of open.splice(0)) await pipeline.close();

    const trusting = tokens(healthy.manifests);
    const { differences } = await dieAndRecover('written', (store, kill) => ({
      first: trusting(store, kill),
      second: trusting(store),
    }));
    expect(differences).toContainEqual(expect.stringMatching(/^minutes of /));
    expect(differences).toContainEqual(expect.stringMatching(/^reconcile, stored rows are what segments derived/));
  });
});
