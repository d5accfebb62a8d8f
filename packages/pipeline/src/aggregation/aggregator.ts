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
import { createLogReader, type LogReader, type ReadLimits } from './log-reader.ts';
import { segmentConfigs } from './segment-config.ts';
import { repairTable, USAGE_TABLES, writeTable } from './table-writer.ts';

/** Named points of the protocol, for tests that stop or pause a process exactly there. */
export type AggregationStep =
  | 'acquired'
  | 'read'
  | 'planned'
  | 'written.ahead'
  | 'derived'
  | `written.${'event_key' | 'event' | 'refused_event' | 'usage_delta'}`
  | 'written'
  | 'committed';

export interface AggregationLimits extends ReadLimits {
  /** Records whose rows are written while later ones are derived, so that the engine and this thread work at the same time. */
  readonly writeAheadRecords: number;
}

export const DEFAULT_LIMITS: AggregationLimits = {
  segmentRecordsMax: 40_000,
  segmentBytesMax: 32_000_000,
  writeAheadRecords: 20_000,
};

export interface AggregatorPorts {
  readonly log: EventLog;
  readonly ledger: SegmentLedger;
  readonly usage: UsageStore;
}

export interface AggregatorOptions {
  /** Who `acquire` writes into the leases, and which it takes. */
  readonly owner?: string;
  readonly partitions?: readonly number[];
  readonly limits?: AggregationLimits;
  readonly onStep?: (step: AggregationStep) => void | Promise<void>;
}

/** How id filters are filled: with what was claimed in the `windowMs` before `nowMs`, until `signal` aborts. */
export interface Warming {
  readonly signal: AbortSignal;
  readonly nowMs: number;
  readonly windowMs: number;
}

export interface CycleResult {
  /** Log records that became visible usage. */
  readonly records: number;
  /** True when a segment was cut by its limits, or so much had come that not every partition was read: there is more to read at once. */
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
  readonly #reader: LogReader;
  readonly #configAt: (version: number) => Promise<SegmentConfig>;
  readonly #known = new Map<number, KnownIds>();
  /** Partitions whose filter could not be filled: the next `hold` tries again. */
  readonly #cold = new Set<number>();
  #leases: Lease[] = [];
  /** Segments planned by an earlier owner and not committed; their rows may already be written, wholly or in part. */
  #unfinished: PlannedSegment[] = [];

  constructor(ports: AggregatorPorts, options: AggregatorOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    this.#reader = createLogReader(ports.log, this.#limits);
    this.#configAt = segmentConfigs(ports.ledger);
  }

  get leases(): readonly Lease[] {
    return this.#leases;
  }

  get filterBytes(): number {
    return [...this.#known.values()].reduce((sum, known) => sum + known.filterBytes, 0);
  }

  /** Becomes the owner of the partitions, whoever held them, and warms the id filters in the background. */
  async acquire(signal: AbortSignal, nowMs: number, windowMs: number): Promise<{ warmed: Promise<void> }> {
    const { log, ledger } = this.#ports;
    const { owner = '', partitions = [] } = this.#options;
    const leases = await ledger.acquire(log.logId, partitions, owner);
    this.drop(this.#leases.map(({ partition }) => partition));
    return this.hold(leases, { signal, nowMs, windowMs });
  }

  /**
   * Goes on with leases just taken, beside those held already; a partition held before starts again from what the ledger says. Its id filter is kept
   * if nothing was committed since that it has not learned; others warm in the background.
   */
  async hold(leases: readonly Lease[], warming: Warming): Promise<{ warmed: Promise<void> }> {
    const taken = new Set(leases.map(({ partition }) => partition));
    const unfinished = (await this.#ports.ledger.unfinished(this.#ports.log.logId)).filter(({ partition }) =>
      taken.has(partition),
    );
    const warmed = leases.flatMap(({ partition, nextOffset }) => {
      const learnedTo = this.#leases.find((lease) => lease.partition === partition)?.nextOffset;
      if (learnedTo === nextOffset && this.#known.has(partition) && !this.#cold.delete(partition)) return [];
      return [this.#warm(partition, nextOffset, warming)];
    });
    const others = <T extends { partition: number }>(list: readonly T[]) => list.filter(({ partition }) => !taken.has(partition));
    this.#leases = [...others(this.#leases), ...leases];
    this.#unfinished = [...others(this.#unfinished), ...unfinished];
    await this.#step('acquired');
    return { warmed: Promise.all(warmed).then(() => undefined) };
  }

  async #warm(partition: number, cut: number, { signal, nowMs, windowMs }: Warming): Promise<void> {
    const known = new KnownIds(partition, this.#ports.usage, windowMs);
    this.#known.set(partition, known);
    try {
      // The window counts back from the next record to be counted, which may have waited for long: after an outage, in a log moved or replayed.
      const [next] = await this.#ports.log.read(partition, cut, { recordsMax: 1, bytesMax: 1 });
      await known.warm(cut, Math.min(nowMs, next?.appendedAtMs ?? nowMs), signal);
    } catch (error) {
      if (this.#known.get(partition) === known) this.#cold.add(partition);
      throw error;
    }
  }

  /** Forgets everything held for these partitions. Between cycles only. */
  drop(partitions: readonly number[]): void {
    const kept = ({ partition }: { partition: number }): boolean => !partitions.includes(partition);
    this.#leases = this.#leases.filter(kept);
    this.#unfinished = this.#unfinished.filter(kept);
    for (const partition of partitions) this.#known.delete(partition);
  }

  /**
   * Makes what the log has gained visible: at most one segment a partition. After any rejection the outcome is unknown: `acquire`, or claim and `hold`, again
   * before the next cycle. LeaseLostError: another owner took over.
   */
  async cycle(): Promise<CycleResult> {
    const recovering = this.#unfinished.length > 0;
    const { work, isAll } = recovering ? { work: this.#unfinished.map(unread), isAll: false } : await this.#plan();
    if (work.length === 0) return { records: 0, more: false, segments: [] };
    const segments = await Promise.all(work.map((one) => this.#derive(one, !recovering)));
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
    return { records: sizes.reduce((sum, size) => sum + size, 0), more: full || !isAll, segments };
  }

  /** Derives a committed segment once more and writes whatever the usage store lost or spoiled of it. */
  async rewrite(segment: PlannedSegment): Promise<void> {
    const derived = await this.#derive({ segment }, false);
    for (const table of USAGE_TABLES) await repairTable(this.#ports.usage, table, [derived]);
  }

  async #plan(): Promise<{ work: Work[]; isAll: boolean }> {
    const { log, ledger } = this.#ports;
    const { found, isAll } = await this.#reader.newRecords(this.#leases);
    if (found.length === 0) return { work: [], isAll };
    await this.#step('read');
    const ranges = found.map(({ range }) => range);
    const planned = await ledger.plan(log.logId, this.#leasesOf(ranges), ranges);
    await this.#step('planned');
    const recordsOf = new Map(found.map(({ range, records }) => [range.partition, records]));
    return { work: planned.map((segment) => ({ segment, records: recordsOf.get(segment.partition) ?? [] })), isAll };
  }

  /** `writeAhead`: nothing of the segment was written before, so rows may go to the store as they come. */
  async #derive({ segment, records }: Work, writeAhead: boolean): Promise<DerivedSegment> {
    const known = this.#known.get(segment.partition);
    if (known === undefined) throw new LeaseLostError(`partition ${segment.partition} is not owned`);
    const config = await this.#configAt(segment.configVersion);
    const all = records ?? (await this.#reader.recordsOf(segment));
    const fold = new SegmentFold(segment, config, all);
    const ahead: Promise<void>[] = [];
    const { writeAheadRecords } = this.#limits;
    const chunkRecords = Math.min(CHUNK_RECORDS, writeAheadRecords);
    const prepare = async (from: number) => {
      const decoded = await decodeAll(all.slice(from, from + chunkRecords));
      return { decoded, prefix: await known.prefixOf(decoded, segment) };
    };
    let written = 0;
    let next = prepare(0);
    for (let from = 0; from < all.length; from += chunkRecords) {
      if (writeAhead && from - written >= writeAheadRecords) {
        written = from;
        ahead.push(this.#writeAhead(fold));
      }
      const { decoded, prefix } = await next;
      // what the store knows of the next records is asked while these are folded
      if (from + chunkRecords < all.length) next = unawaited(prepare(from + chunkRecords));
      for (let at = 0; at < decoded.length; at += TURN_RECORDS) {
        fold.add(decoded.slice(at, at + TURN_RECORDS), prefix);
        await nextTurn();
      }
    }
    await Promise.all(ahead);
    return fold.finish();
  }

  #writeAhead(fold: SegmentFold): Promise<void> {
    const rows = fold.takeRows().filter(({ body }) => body.length > 0);
    const written = Promise.all(rows.map(({ table, body }) => this.#ports.usage.write(table, body)));
    return unawaited(written.then(() => this.#step('written.ahead')));
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

const unread = (segment: PlannedSegment): Work => ({ segment });

/** For work that goes on beside other work and is awaited later: until then its failure must not count as unhandled. */
function unawaited<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

async function decodeAll(records: readonly LogRecord[]): Promise<DecodedRecord[]> {
  const decoded: DecodedRecord[] = [];
  for (const record of records) {
    decoded.push(decodeRecord(record));
    if (decoded.length % TURN_RECORDS === 0) await nextTurn();
  }
  return decoded;
}
