import { storedMeter } from '@meterline/domain/meters';
import { joinSegments } from '../aggregation/join-segments.ts';
import { NO_ROWS, sameIdentity } from '../aggregation/row-batch.ts';
import { USAGE_TABLES } from '../aggregation/table-writer.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { CommittedSegment, Cut, RowIdentity, SegmentLedger } from '../ports/segment-ledger.ts';
import { EVER, type UsageReader } from '../ports/usage-reader.ts';
import type { PartitionTally, UsageStore } from '../ports/usage-store.ts';
import { RawTotals, type CountingMeter } from './raw-totals.ts';

/** One statement that must always hold, with the figures on both sides. */
export interface Invariant {
  readonly name: string;
  readonly holds: boolean;
  readonly counts: Readonly<Record<string, number | string>>;
  /** What differs, in words; at most 20. */
  readonly differences: readonly string[];
}

export interface Reconciliation {
  readonly holds: boolean;
  /** Everything was compared at this cut. */
  readonly cut: Cut;
  readonly invariants: readonly Invariant[];
}

export interface ReconcilePorts {
  readonly log: EventLog;
  readonly ledger: SegmentLedger;
  readonly usage: UsageStore;
  readonly reader: UsageReader;
  /** Meters of every tenant. */
  meters(): Promise<CountingMeter[]>;
  /** More statements, such as that invoices rate again to what they say. `accepted`: records below the cut, as the segments say. */
  readonly more?: readonly ((cut: Cut, accepted: number) => Promise<Invariant>)[];
}

/** Of raw events read at a time: as many as have about so many payload characters, by the size of those before. */
const SCAN_CHARACTERS = 16_000_000;
const SCAN_OFFSETS = { first: 5_000, least: 500, most: 50_000 };
const DIFFERENCES_SHOWN = 20;

/**
 * Compares log, ledger and usage store at the committed cut. Reads everything, so it takes a while on a large store; nothing is locked and usage
 * goes on meanwhile.
 */
export async function reconcile(
  ports: ReconcilePorts,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<Reconciliation> {
  const { log, ledger, usage } = ports;
  const cut = await ledger.committedCut(log.logId);
  const partitions = [...cut.keys()];
  const segments = await Promise.all(partitions.map((partition) => ledger.segments(log.logId, partition)));
  // segments may be joined or committed meanwhile: only what lies below the cut is compared
  const below = segments.map((list, partition) => list.filter(({ start }) => start < (cut[partition] ?? 0)));
  const tallies: PartitionTally[] = [];
  for (const partition of partitions) tallies.push(await usage.tally(partition, cut[partition] ?? 0));
  const invariants = [
    await tiling(log, cut, below),
    outcomes(cut, below, tallies),
    storedRows(below, tallies),
    await usageEqualsRaw(ports, cut, onProgress),
  ];
  const accepted = total(below.flat().map(({ manifest }) => manifest.accepted));
  for (const check of ports.more ?? []) invariants.push(await check(cut, accepted));
  return { holds: invariants.every(({ holds }) => holds), cut, invariants };
}

async function tiling(log: EventLog, cut: Cut, segments: readonly (readonly CommittedSegment[])[]): Promise<Invariant> {
  const differences: string[] = [];
  let appended = 0;
  for (const [partition, end] of cut.entries()) {
    const { next } = await log.bounds(partition);
    appended += next;
    let at = 0;
    for (const segment of segments[partition] ?? []) {
      if (segment.start !== at)
        differences.push(`partition ${partition}: a segment starts at ${segment.start}, the one before ends at ${at}`);
      at = segment.end;
    }
    if (at !== end) differences.push(`partition ${partition}: segments end at ${at}, the lease says ${end}`);
    if (end > next) differences.push(`partition ${partition}: ${end} records are usage, the log has ${next}`);
  }
  const committed = total(cut);
  return invariant(
    'segments tile the log',
    { appended, committed, pending: appended - committed, segments: total(segments.map(({ length }) => length)) },
    differences,
  );
}

function outcomes(cut: Cut, segments: readonly (readonly CommittedSegment[])[], tallies: readonly PartitionTally[]): Invariant {
  const stated = segments.flat().map(({ manifest }) => manifest);
  const differences: string[] = [];
  const counts: Record<string, number> = { committed: total(cut) };
  for (const outcome of ['accepted', 'duplicate', 'conflict', 'rejected'] as const) {
    counts[outcome] = total(tallies.map((tally) => tally[outcome]));
    const said = total(stated.map((manifest) => manifest[outcome]));
    if (said !== counts[outcome]) differences.push(`${outcome}: segments say ${said}, the usage store has ${counts[outcome]}`);
  }
  const { committed = 0, accepted = 0, duplicate = 0, conflict = 0, rejected = 0 } = counts;
  const sum = accepted + duplicate + conflict + rejected;
  if (sum !== committed) differences.push(`${committed} records were committed, ${sum} have an outcome`);
  return invariant('appended = accepted + duplicate + conflict + rejected', counts, differences);
}

function storedRows(segments: readonly (readonly CommittedSegment[])[], tallies: readonly PartitionTally[]): Invariant {
  const differences: string[] = [];
  const counts: Record<string, number> = {};
  for (const [partition, list] of segments.entries()) {
    const [all] = joinSegments(list.map((segment) => ({ ...segment, configVersion: 0 })));
    for (const table of USAGE_TABLES) {
      const stated: RowIdentity = all?.manifest.identity[table] ?? NO_ROWS;
      const stored = tallies[partition]?.identity[table] ?? NO_ROWS;
      counts[table] = (counts[table] ?? 0) + stored.rows;
      if (!sameIdentity(stated, stored))
        differences.push(
          `partition ${partition}, ${table}: ${stored.rows} rows (${stored.xor}), segments say ${stated.rows} (${stated.xor})`,
        );
    }
  }
  return invariant('stored rows are what segments derived', counts, differences);
}

async function usageEqualsRaw(
  ports: ReconcilePorts,
  cut: Cut,
  onProgress: (done: number, total: number) => void,
): Promise<Invariant> {
  // What a meter keeps, without its fold: averages as sums, levels as what is known of them at any minute.
  const meters = (await ports.meters()).flatMap(({ meter, backfilled }) => {
    const stored = storedMeter(meter);
    return stored === null ? [] : [{ meter: stored, backfilled }];
  });
  const raw = await rawTotals(ports, meters, cut, onProgress);
  const differences: string[] = [];
  let series = 0;
  let events = 0;
  for (const { meter } of meters) {
    const expected = raw.of(meter);
    const { rows } = await ports.reader.usage({ meter, ...EVER, bySubject: true, cut });
    for (const row of rows) {
      const subject = row.subject ?? '';
      const total = expected.get(subject);
      expected.delete(subject);
      series += 1;
      events += row.events;
      if (total?.events !== row.events || total.value !== row.value) {
        differences.push(
          `${meter.tenant}/${meter.key}, ${subject}: usage ${row.value} of ${row.events} events, raw ${total?.value ?? '0'} of ${total?.events ?? 0}`,
        );
      }
    }
    for (const [subject, { events: missing }] of expected)
      differences.push(`${meter.tenant}/${meter.key}, ${subject}: no usage, raw has ${missing} events`);
  }
  return invariant('usage = raw events', { meters: meters.length, series, events }, differences);
}

async function rawTotals(
  { usage }: ReconcilePorts,
  meters: readonly CountingMeter[],
  cut: Cut,
  onProgress: (done: number, total: number) => void,
): Promise<RawTotals> {
  const totals = new RawTotals(meters);
  let done = 0;
  let offsets = SCAN_OFFSETS.first;
  for (const [partition, end] of cut.entries()) {
    const withdrawn = new Set(await usage.withdrawnInPartition(partition, end));
    let from = 0;
    while (from < end) {
      const to = Math.min(from + offsets, end);
      let characters = 0;
      for (const event of await usage.scanPartition(partition, from, to)) {
        characters += event.payload.length;
        if (event.kind === 'event' && !withdrawn.has(event.offset)) totals.add(event);
      }
      const fitting = Math.floor((SCAN_CHARACTERS * (to - from)) / Math.max(characters, 1));
      offsets = Math.min(Math.max(fitting, SCAN_OFFSETS.least), SCAN_OFFSETS.most);
      onProgress((done += to - from), total(cut));
      from = to;
    }
  }
  return totals;
}

/** Holds if nothing differs. */
export function invariant(name: string, counts: Invariant['counts'], differences: readonly string[]): Invariant {
  return { name, holds: differences.length === 0, counts, differences: differences.slice(0, DIFFERENCES_SHOWN) };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
