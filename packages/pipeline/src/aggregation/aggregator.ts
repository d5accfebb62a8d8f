import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventLog, LogRecord } from '../ports/event-log.ts';
import {
  LeaseLostError,
  type Lease,
  type PlannedSegment,
  type SegmentLedger,
  type SegmentRange,
} from '../ports/segment-ledger.ts';
import type { UsageStore } from '../ports/usage-store.ts';
import { decodeRecord, type DecodedRecord } from './decode.ts';
import { SegmentFold, type DerivedSegment, type SegmentConfig } from './derive.ts';
import { KnownIds } from './known-ids.ts';
import { segmentConfigs } from './segment-config.ts';
import { repairTable, USAGE_TABLES, writeTable } from './table-writer.ts';

/** Named points of the protocol, for tests that stop or pause a process exactly there. */
export type AggregationStep =
  | 'acquired'
  | 'read'
  | 'planned'
  | 'derived'
  | `written.${'event_key' | 'event' | 'refused_event' | 'usage_delta'}`
  | 'written'
  | 'committed';

export interface AggregationLimits {
  /** Records of one segment. */
  readonly segmentRecordsMax: number;
  readonly segmentBytesMax: number;
}

export const DEFAULT_LIMITS: AggregationLimits = { segmentRecordsMax: 20_000, segmentBytesMax: 16_000_000 };

export interface AggregatorPorts {
  readonly log: EventLog;
  readonly ledger: SegmentLedger;
  readonly usage: UsageStore;
}

export interface AggregatorOptions {
  readonly owner: string;
  readonly partitions: readonly number[];
  readonly limits?: AggregationLimits;
  readonly onStep?: (step: AggregationStep) => void | Promise<void>;
}

export interface CycleResult {
  /** Log records that became visible usage. */
  readonly records: number;
  /** True when a segment was cut by its limits: there is more to read at once. */
  readonly more: boolean;
  readonly segments: readonly DerivedSegment[];
}

/** A planned segment with its records, if they were just read. */
interface Work {
  readonly segment: PlannedSegment;
  readonly records?: readonly LogRecord[];
}

/** Decoded and folded at a time: what is decoded dies young, and each time ids that may be known are asked for at once. */
const CHUNK_RECORDS = 4_000;
/** Records after which the event loop gets a turn: HTTP shares this thread in the standalone process. */
const TURN_RECORDS = 1_000;

/**
 * Turns the log into exact usage, segment by segment: own, plan, derive, write, commit (DESIGN: exactly-once usage). Any step may fail or the process die:
 * calling `cycle` again, here or in another process after `acquire`, continues from what the ledger and the log hold.
 */
export class Aggregator {
  readonly #ports: AggregatorPorts;
  readonly #options: AggregatorOptions;
  readonly #limits: AggregationLimits;
  readonly #configAt: (version: number) => Promise<SegmentConfig>;
  readonly #known = new Map<number, KnownIds>();
  #leases: Lease[] = [];
  /** Segments planned by an earlier owner and not committed; their rows may already be written, wholly or in part. */
  #unfinished: PlannedSegment[] = [];

  constructor(ports: AggregatorPorts, options: AggregatorOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    this.#configAt = segmentConfigs(ports.ledger);
  }

  get leases(): readonly Lease[] {
    return this.#leases;
  }

  get filterBytes(): number {
    return [...this.#known.values()].reduce((sum, known) => sum + known.filterBytes, 0);
  }

  /** Becomes the owner of the partitions and warms the id filters in the background. */
  async acquire(signal: AbortSignal, nowMs: number, windowMs: number): Promise<{ warmed: Promise<void> }> {
    const { log, ledger, usage } = this.#ports;
    this.#leases = await ledger.acquire(log.logId, this.#options.partitions, this.#options.owner);
    const own = new Set(this.#options.partitions);
    this.#unfinished = (await ledger.unfinished(log.logId)).filter(({ partition }) => own.has(partition));
    this.#known.clear();
    const warmed = this.#leases.map(({ partition, nextOffset }) => {
      const known = new KnownIds(partition, usage, windowMs);
      this.#known.set(partition, known);
      return known.warm(nextOffset, nowMs, signal);
    });
    await this.#step('acquired');
    return { warmed: Promise.all(warmed).then(() => undefined) };
  }

  /**
   * Makes what the log has gained visible: one segment a partition. After any rejection the outcome is unknown: `acquire` again before the next
   * cycle. LeaseLostError: another owner took over.
   */
  async cycle(): Promise<CycleResult> {
    const recovering = this.#unfinished.length > 0;
    const work: Work[] = recovering ? this.#unfinished.map((segment) => ({ segment })) : await this.#plan();
    if (work.length === 0) return { records: 0, more: false, segments: [] };
    const segments = await Promise.all(work.map((one) => this.#derive(one)));
    await this.#step('derived');
    const write = recovering ? repairTable : writeTable;
    await Promise.all(
      USAGE_TABLES.map(async (table) => {
        await write(this.#ports.usage, table, segments);
        await this.#step(`written.${table}`);
      }),
    );
    await this.#step('written');
    await this.#commit(segments);
    const sizes = segments.map(({ range }) => range.end - range.start);
    const full = sizes.some((size) => size >= this.#limits.segmentRecordsMax);
    return { records: sizes.reduce((sum, size) => sum + size, 0), more: recovering || full, segments };
  }

  /** Derives a committed segment once more and writes whatever the usage store lost or spoiled of it. */
  async rewrite(segment: PlannedSegment): Promise<void> {
    const derived = await this.#derive({ segment });
    for (const table of USAGE_TABLES) await repairTable(this.#ports.usage, table, [derived]);
  }

  async #plan(): Promise<Work[]> {
    const { log, ledger } = this.#ports;
    const { segmentRecordsMax: recordsMax, segmentBytesMax: bytesMax } = this.#limits;
    const ranges: SegmentRange[] = [];
    const recordsOf = new Map<number, LogRecord[]>();
    for (const { partition, nextOffset } of this.#leases) {
      const records = await log.read(partition, nextOffset, { recordsMax, bytesMax });
      if (records.length === 0) continue;
      ranges.push({ partition, start: nextOffset, end: nextOffset + records.length });
      recordsOf.set(partition, records);
    }
    if (ranges.length === 0) return [];
    await this.#step('read');
    const planned = await ledger.plan(log.logId, this.#leasesOf(ranges), ranges);
    await this.#step('planned');
    return planned.map((segment) => ({ segment, records: recordsOf.get(segment.partition) ?? [] }));
  }

  async #derive({ segment, records }: Work): Promise<DerivedSegment> {
    const known = this.#known.get(segment.partition);
    if (known === undefined) throw new LeaseLostError(`partition ${segment.partition} is not owned`);
    const config = await this.#configAt(segment.configVersion);
    const fold = new SegmentFold(segment, config);
    const all = records ?? (await this.#recordsOf(segment));
    for (let from = 0; from < all.length; from += CHUNK_RECORDS) {
      const decoded = await decodeAll(all.slice(from, from + CHUNK_RECORDS));
      const prefix = await known.prefixOf(decoded, segment);
      for (let at = 0; at < decoded.length; at += TURN_RECORDS) {
        fold.add(decoded.slice(at, at + TURN_RECORDS), prefix);
        await nextTurn();
      }
    }
    return fold.finish();
  }

  async #recordsOf({ partition, start, end }: SegmentRange): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    while (records.length < end - start) {
      const recordsMax = end - start - records.length;
      const more = await this.#ports.log.read(partition, start + records.length, {
        recordsMax,
        bytesMax: this.#limits.segmentBytesMax,
      });
      if (more.length === 0) throw new Error(`the log ends within planned segment ${partition}:[${start},${end})`);
      records.push(...more);
    }
    return records;
  }

  async #commit(segments: readonly DerivedSegment[]): Promise<void> {
    const { log, ledger } = this.#ports;
    const ranges = segments.map(({ range, manifest }) => ({ ...range, manifest }));
    const wakes = segments.flatMap(({ wakes: woken }) => woken);
    await ledger.commit(log.logId, this.#leasesOf(ranges), ranges, wakes);
    const endOf = new Map(ranges.map(({ partition, end }) => [partition, end]));
    this.#leases = this.#leases.map((lease) => ({ ...lease, nextOffset: endOf.get(lease.partition) ?? lease.nextOffset }));
    this.#unfinished = [];
    for (const derived of segments) this.#known.get(derived.range.partition)?.learn(derived);
    await this.#step('committed');
  }

  #leasesOf(ranges: readonly SegmentRange[]): Lease[] {
    const wanted = new Set(ranges.map(({ partition }) => partition));
    return this.#leases.filter(({ partition }) => wanted.has(partition));
  }

  async #step(step: AggregationStep): Promise<void> {
    await this.#options.onStep?.(step);
  }
}

async function decodeAll(records: readonly LogRecord[]): Promise<DecodedRecord[]> {
  const decoded: DecodedRecord[] = [];
  for (const record of records) {
    decoded.push(decodeRecord(record));
    if (decoded.length % TURN_RECORDS === 0) await nextTurn();
  }
  return decoded;
}
