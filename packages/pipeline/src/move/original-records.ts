import { Fault } from '@meterline/domain/faults';
import { decodeRecord, hashId } from '../aggregation/decode.ts';
import { partitionOf } from '../events/partition.ts';
import type { LogRecord, RecordKind } from '../ports/event-log.ts';
import type { KeptRecord, KeptRecords } from '../ports/move.ts';
import type { AcceptanceWindow, Cut, PlannedSegment } from '../ports/segment-ledger.ts';
import type { IdClaim, UsageStore } from '../ports/usage-store.ts';
import { dependsOnClaims, kindOfRefused } from './original-kind.ts';

/** A record of the old log, on its way into a partition of the new one. Its offset is still the old one. */
export interface MovingRecord extends LogRecord {
  readonly toPartition: number;
}

export interface OriginalLog {
  readonly records: KeptRecords;
  readonly usage: Pick<UsageStore, 'claims'>;
  /** Committed segments by old partition, in order. */
  readonly segments: readonly (readonly PlannedSegment[])[];
  acceptanceAt(configVersion: number): Promise<AcceptanceWindow>;
}

const PAGE_OFFSETS = 50_000;
const CLAIMS_AT_A_TIME = 5_000;

/**
 * The records of the old log below `end`, as they stood in it: from what the usage store keeps, as the log itself forgets. Fails with
 * `move.record_missing` if an offset is not there: nothing is passed over.
 */
export function originalRecords(log: OriginalLog, end: Cut, partitionCount: number) {
  const corrections = new Map<number, Promise<ReadonlyMap<number, 'void' | 'replace'>>>();
  /** The page being given out, by partition: cuts may follow one another closely. */
  const pages = new Map<number, { readonly from: number; readonly records: readonly MovingRecord[] }>();

  async function read(partition: number, from: number, to: number): Promise<MovingRecord[]> {
    const correcting = corrections.get(partition) ?? log.records.corrections(partition);
    corrections.set(partition, correcting);
    const corrected = await correcting;
    const kept = await log.records.page(partition, from, to);
    for (let n = 0; n < to - from; n += 1) if (kept[n]?.offset !== from + n) throw recordMissing(partition, from + n);
    const refusedKinds = await kindsOfRefused(log, partition, kept);
    return kept.map(({ refusedAs: _, ...record }) => {
      const { offset, tenant, value } = record;
      const kind = refusedKinds.get(offset) ?? corrected.get(offset) ?? 'event';
      return { ...record, kind, toPartition: newPartition(tenant, value, partitionCount) };
    });
  }

  async function pageWith(partition: number, offset: number): Promise<{ from: number; records: readonly MovingRecord[] }> {
    const from = offset - (offset % PAGE_OFFSETS);
    const cached = pages.get(partition);
    if (cached?.from === from) return cached;
    const page = { from, records: await read(partition, from, Math.min(from + PAGE_OFFSETS, end[partition] ?? 0)) };
    pages.set(partition, page);
    return page;
  }

  return {
    /** The records of [from, to) below `end`, some at a time, in offset order. */
    async *range(partition: number, from: number, to: number): AsyncGenerator<readonly MovingRecord[]> {
      for (let at = from; at < to;) {
        const page = await pageWith(partition, at);
        const records = page.records.slice(at - page.from, to - page.from);
        yield records;
        at += records.length;
      }
    },
  };
}

const utf8 = new TextDecoder('utf-8');

function idOf(value: Uint8Array): { readonly source: string; readonly id: string } | undefined {
  try {
    const { id, source } = JSON.parse(utf8.decode(value)) as { id?: unknown; source?: unknown };
    return typeof id === 'string' && typeof source === 'string' ? { source, id } : undefined;
  } catch {
    return undefined;
  }
}

/** What names no id meets no other record, so it may lie anywhere. */
function newPartition(tenant: string, value: Uint8Array, partitionCount: number): number {
  const names = idOf(value);
  return names === undefined ? 0 : partitionOf(tenant, names.source, names.id, partitionCount);
}

async function kindsOfRefused(
  { usage, segments, acceptanceAt }: OriginalLog,
  partition: number,
  kept: readonly KeptRecord[],
): Promise<ReadonlyMap<number, RecordKind>> {
  const kinds = new Map<number, RecordKind>();
  const refused = kept.filter((record): record is KeptRecord & { refusedAs: string } => record.refusedAs !== null);
  const last = refused.at(-1);
  if (last === undefined) return kinds;
  const uncertain = refused.filter(({ refusedAs }) => dependsOnClaims(refusedAs));
  const claims = await claimsOn(usage, partition, uncertain, last.offset);
  const ranges = (segments[partition] ?? []).values();
  let segment = ranges.next().value;
  for (const record of refused) {
    while (segment !== undefined && segment.end <= record.offset) segment = ranges.next().value;
    if (segment === undefined) throw recordMissing(partition, record.offset);
    const before = (claims.get(idHashOf(record) ?? '') ?? []).filter(({ offset }) => offset < record.offset);
    const decoded = decodeRecord({ ...record, kind: 'event' });
    kinds.set(record.offset, kindOfRefused(record.refusedAs, decoded, before, await acceptanceAt(segment.configVersion)));
  }
  return kinds;
}

async function claimsOn(
  usage: OriginalLog['usage'],
  partition: number,
  records: readonly KeptRecord[],
  before: number,
): Promise<Map<string, IdClaim[]>> {
  const hashes = [...new Set(records.flatMap((record) => idHashOf(record) ?? []))];
  const found: IdClaim[] = [];
  for (let at = 0; at < hashes.length; at += CLAIMS_AT_A_TIME)
    found.push(...(await usage.claims(partition, hashes.slice(at, at + CLAIMS_AT_A_TIME), before)));
  return Map.groupBy(found, ({ idHash }) => idHash);
}

function idHashOf({ tenant, value }: KeptRecord): string | undefined {
  const names = idOf(value);
  return names && hashId(tenant, names.source, names.id);
}

function recordMissing(partition: number, offset: number): Fault {
  return new Fault(
    'conflict',
    'move.record_missing',
    `the usage store does not hold record ${offset} of partition ${partition}: "meterline reconcile" on the data folder says what is wrong with it`,
  );
}
