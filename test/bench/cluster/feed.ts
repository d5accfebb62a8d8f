import { openKafkaLog, type KafkaLog } from '@meterline/backends/kafka';
import { partitionOf } from '@meterline/pipeline/events';
import { readSettings } from '@meterline/runtime/config';
import { eventBatch, eventId, SOURCE, type EventBatch } from '../events.ts';
import type { LoadPace } from '../load.ts';
import { createPace } from '../pace.ts';

/** What the parent asks for; answered by `FeedResult` when Kafka has everything. */
export interface FeedOrder {
  /** New ids for each run. */
  readonly run: string;
  readonly records: number;
  /** Stay at most this far ahead of what the parent says is committed. */
  readonly aheadMax: number;
}

export interface FeedProgress {
  readonly appended: number;
}

export interface FeedResult {
  readonly startedMs: number;
  readonly bytes: number;
}

const TENANT = 'default';
/** As many appends are under way; each is split over the partitions. */
const LANES = 4;
const BLOCK_RECORDS = 4_000;
/** A block is used so often before it is made anew, with other subjects and the time of then. */
const BLOCK_USES = 20;
/** One record of so many is sent again, as senders do that had no answer: it comes from the block's last use. */
const REPEAT_EVERY = 100;
const REPORT_EVERY_MS = 250;

interface Block {
  batch: EventBatch;
  uses: number;
  /** What to send again, with its partition. */
  repeats: readonly PlacedRecord[];
}

interface PlacedRecord {
  readonly partition: number;
  readonly value: Uint8Array;
}

/** A producer that writes straight to the topic, as ingest does after it has checked events: no HTTP. */
async function feed({ run, records, aheadMax }: FeedOrder, log: KafkaLog): Promise<FeedResult> {
  const pace = createPace();
  process.on('message', ({ committed }: LoadPace) => pace.tell(committed, performance.now()));
  let seed = 0;
  const newBatch = (): EventBatch => eventBatch(BLOCK_RECORDS, (seed += 1), Date.now(), run);
  let next = 0;
  let appended = 0;
  let bytes = 0;
  const report = setInterval(() => process.send?.({ appended } satisfies FeedProgress), REPORT_EVERY_MS);

  function fill(block: Block, first: number): PlacedRecord[] {
    if (block.uses === BLOCK_USES) Object.assign(block, { batch: newBatch(), uses: 0 });
    block.uses += 1;
    block.batch.renumber(first);
    const placed = block.batch.events.map((value, at) => {
      const repeat = at % REPEAT_EVERY === REPEAT_EVERY - 1 ? block.repeats[(at + 1) / REPEAT_EVERY - 1] : undefined;
      return repeat ?? { partition: partitionOf(TENANT, SOURCE, eventId(run, first + at), log.partitionCount), value };
    });
    // copies: the next use writes other ids into these bytes
    const repeated = placed.filter((_, at) => at % REPEAT_EVERY === 0);
    block.repeats = repeated.map(({ partition, value }) => ({ partition, value: Uint8Array.from(value) }));
    return placed;
  }

  async function append(records: readonly PlacedRecord[]): Promise<void> {
    const appendedAtMs = Date.now();
    await Promise.all(
      [...Map.groupBy(records, ({ partition }) => partition)].map(([partition, some]) =>
        log.append({ partition, tenant: TENANT, appendedAtMs, records: some.map(({ value }) => ({ kind: 'event', value })) }),
      ),
    );
    appended += records.length;
    for (const { value } of records) bytes += value.length;
  }

  async function lane(): Promise<void> {
    const block: Block = { batch: newBatch(), uses: 0, repeats: [] };
    while (next < records) {
      if (next - pace.committed(performance.now()) > aheadMax) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      const first = next;
      next += Math.min(BLOCK_RECORDS, records - first);
      await append(fill(block, first).slice(0, next - first));
    }
  }

  const startedMs = Date.now();
  await Promise.all(Array.from({ length: LANES }, lane));
  clearInterval(report);
  return { startedMs, bytes };
}

const { kafka, partitions } = readSettings(process.env);
const { brokers, topic, replication, minInsyncReplicas } = kafka;
const log = await openKafkaLog({ brokers, topic, replication, minInsyncReplicas, partitionCount: partitions });
process.once('message', (order: FeedOrder) => {
  void feed(order, log).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
process.send?.('open');
