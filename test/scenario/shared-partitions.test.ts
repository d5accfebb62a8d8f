import { once, EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startAggregator, startSharedDuty, type AggregatorService } from '@meterline/aggregator';
import { clickhouseRollupStore } from '@meterline/backends/clickhouse';
import { postgresPartitionSharing, postgresRollupLedger } from '@meterline/backends/postgres';
import { compactPass, sealPass } from '@meterline/pipeline/aggregation';
import type { PartitionSharing, SegmentLedger, UsageStore } from '@meterline/pipeline/ports';
import { reconcile } from '@meterline/pipeline/reconcile';
import { systemClock } from '@meterline/runtime/clock';
import { createLogger } from '@meterline/runtime/logging';
import { openTestPipeline, type TestPipeline } from '../support/pipeline.ts';

const PARTITIONS = 8;
const DAY_MS = 86_400_000;
const HEARTBEAT = { everyMs: 50, ageMsMax: 700 };
const logger = createLogger({ level: 'silent', service: 'test' });

let pipeline: TestPipeline;
let running: AggregatorService[] = [];
let sent = 0;
/** Emits 'heartbeat' after every look at who holds what, of anybody. */
let looks: EventEmitter;

beforeEach(async () => {
  pipeline = await openTestPipeline({ partitions: PARTITIONS });
  looks = new EventEmitter();
  sent = 0;
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  running = [];
  await pipeline.close();
});

/** What it asks of the world from then on goes nowhere, and nothing answers it: to others it looks like a killed process. */
interface Member {
  readonly name: string;
  readonly service: AggregatorService;
  die(): void;
  /** Partitions whose id filter was filled from the usage store. */
  readonly warmed: number[];
}

async function member(name: string, ledger: SegmentLedger = pipeline.ledger): Promise<Member> {
  const { log, usage, database, client } = pipeline;
  let isDead = false;
  const warmed: number[] = [];
  const mortal = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, key, receiver) {
        const method: unknown = Reflect.get(target, key, receiver);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]): unknown => {
          if (isDead) return Promise.reject(new Error(`${name} is dead`));
          return Reflect.apply(method, target, args);
        };
      },
    });
  const store = postgresPartitionSharing(database, HEARTBEAT.ageMsMax);
  const sharing: PartitionSharing = mortal({
    ...store,
    async heartbeat(logId: string, who: string) {
      const view = await store.heartbeat(logId, who);
      looks.emit('heartbeat');
      return view;
    },
  });
  const watched: UsageStore = {
    ...usage,
    claimedIds(partition, share) {
      if (share.index === 0) warmed.push(partition);
      return usage.claimedIds(partition, share);
    },
  };
  const service = await startAggregator({
    log,
    ledger: mortal<SegmentLedger>(ledger),
    usage: mortal(watched),
    rollupLedger: postgresRollupLedger(database),
    rollupStore: clickhouseRollupStore(client),
    clock: systemClock(),
    logger,
    acceptance: { pastMs: 35 * DAY_MS, futureMs: DAY_MS },
    duty: (isWorking) =>
      startSharedDuty({
        sharing,
        logId: log.logId,
        partitionCount: PARTITIONS,
        member: name,
        isWorking,
        logger,
        heartbeatMs: HEARTBEAT.everyMs,
      }),
  });
  const one = { name, service, warmed, die: () => (isDead = true) };
  running.push({ ...service, stop: () => service.stop().catch(() => undefined) });
  return one;
}

/** Waits, look by look, for what must come. */
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await once(looks, 'heartbeat');
}

const counts = (...members: Member[]): number[] => members.map(({ service }) => service.partitions().length);

async function append(count: number): Promise<void> {
  const records = Array.from({ length: count }, (_, n) => ({ id: `e${sent + n}`, subject: `s${n % 3}` }));
  sent += count;
  // Each is sent twice: whoever holds its partition must know the first.
  await pipeline.append([...records, ...records], Date.now());
}

async function committed(): Promise<boolean> {
  const cut = await pipeline.ledger.committedCut(pipeline.log.logId);
  return cut.reduce((sum, next) => sum + next, 0) === 2 * sent;
}

async function expectAllCountedOnce(): Promise<void> {
  const { invariants } = await reconcile({ ...pipeline, meters: async () => [] });
  expect(invariants.flatMap(({ differences }) => differences)).toEqual([]);
  expect(invariants.find(({ counts: found }) => 'accepted' in found)?.counts).toMatchObject({ accepted: sent, duplicate: sent });
}

it('shares partitions evenly as aggregators come and go, and counts everything once all the while', async () => {
  const a = await member('a');
  await until(() => counts(a)[0] === PARTITIONS);
  await append(40);
  const b = await member('b');
  const c = await member('c');
  await append(40);
  await until(() => counts(a, b, c).join() === '3,3,2');
  await append(40);
  await until(committed);

  await b.service.stop();
  await append(40);
  await until(async () => counts(a, c).join() === '4,4' && (await committed()));

  a.die();
  await append(40);
  await until(async () => counts(c)[0] === PARTITIONS && (await committed()));
  await expectAllCountedOnce();
});

it('goes on with the others when one partition is lost to another owner, and keeps their id filters', async () => {
  const { ledger, log, database } = pipeline;
  const sharing = postgresPartitionSharing(database, HEARTBEAT.ageMsMax);
  const a = await member('a');
  await until(() => counts(a)[0] === PARTITIONS);
  await append(40);
  await until(committed);
  await database.query(`insert into aggregator_member (log_id, member, heartbeat_at) values ($1, 'other', 'infinity')`, [
    log.logId,
  ]);
  await until(() => counts(a)[0] === 4);
  await sharing.claim(log.logId, [4, 5, 6, 7], 'other');

  await ledger.acquire(log.logId, [3], 'other');
  await append(40);
  const isCounted = async (partition: number) =>
    (await ledger.committedCut(log.logId))[partition] === (await log.bounds(partition)).next;
  await until(async () => (await Promise.all([0, 1, 2].map(isCounted))).every(Boolean));
  expect(a.service.partitions()).toEqual([0, 1, 2]);
  expect(await isCounted(3)).toBe(false);
  expect(a.warmed).toEqual([]);

  await sharing.leave(log.logId, 'other');
  await until(committed);
  expect(a.warmed.toSorted()).toEqual([3, 4, 5, 6, 7]);
  await expectAllCountedOnce();
});

it('asks for every id again after a commit whose answer was lost, as its id filter does not know what was counted', async () => {
  const { ledger } = pipeline;
  let isLost = true;
  const a = await member('a', {
    ...ledger,
    async commit(...args) {
      await ledger.commit(...args);
      if (!isLost) return;
      isLost = false;
      throw new Error('the connection broke after the commit');
    },
  });
  await until(() => counts(a)[0] === PARTITIONS);
  const records = Array.from({ length: 40 }, (_, n) => ({ id: `e${n}` }));
  sent = records.length;
  await pipeline.append(records, Date.now());
  await until(() => !isLost && a.service.trouble() === undefined);
  await pipeline.append(records, Date.now());
  await until(committed);
  await expectAllCountedOnce();
});

it('may seal and compact one partition in two places at a time', async () => {
  const { aggregator } = await pipeline.aggregator({ segmentRecordsMax: 3 });
  await append(60);
  while ((await aggregator.cycle()).records > 0);
  const { log, ledger, usage, database, client } = pipeline;
  // Rows that a power cut took: both find and repair them.
  for (const table of ['event', 'usage_delta']) await client.command({ query: `truncate table ${table}` });
  const seal = () => sealPass({ logId: log.logId, ledger, usage, rewrite: (segment) => aggregator.rewrite(segment) });
  await Promise.all([seal(), seal()]);
  const compact = () =>
    compactPass({ logId: log.logId, ledger: postgresRollupLedger(database), store: clickhouseRollupStore(client) }, Date.now(), {
      segmentsMin: 2,
      segmentsMax: 1000,
      maxAgeMs: 3_600_000,
    });
  await Promise.all([compact(), compact(), compact()]);
  await expectAllCountedOnce();
  const segments = await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => ledger.segments(log.logId, partition)));
  expect(segments.every((one) => one.length === 1)).toBe(true);
});
