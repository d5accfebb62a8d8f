import type { RowIdentity, SegmentRange, UsageTable } from './segment-ledger.ts';

/** Someone's hold on an event id: the record that brought it, replaced it or withdrew it. */
export interface IdClaim {
  /** Hex, 128 bits over (tenant, source, id). */
  readonly idHash: string;
  readonly offset: number;
  readonly kind: 'event' | 'void' | 'replace';
  /** Hex, 64 bits over the record's bytes. */
  readonly payloadHash: string;
  readonly appendedAtMs: number;
}

export interface StoredEvent {
  readonly partition: number;
  readonly offset: number;
  readonly kind: 'event' | 'void';
  readonly targetOffset: number;
  readonly configVersion: number;
  readonly appendedAtMs: number;
  readonly timeMs: number;
  readonly payload: string;
}

export interface EventScan {
  readonly partition: number;
  readonly tenant: string;
  readonly type: string;
  /** Half-open offsets. */
  readonly from: number;
  readonly to: number;
}

/** A stored event with whose it is. */
export interface TenantEvent extends StoredEvent {
  readonly tenant: string;
  readonly type: string;
  readonly subject: string;
}

/** What one partition's tables hold below a cut. */
export interface PartitionTally {
  /** Log records that were accepted. */
  readonly accepted: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly rejected: number;
  readonly identity: Readonly<Record<UsageTable, RowIdentity>>;
}

/** What names a segment among those of its log. */
export type SegmentKey = Pick<SegmentRange, 'partition' | 'start'>;

/** Share `index` (from 0) when all id hashes are parted into `of` equal shares, at most 2^32. */
export interface HashShare {
  readonly index: number;
  readonly of: number;
}

/** Rows of usage, written and compared by identity. Readers of money use UsageReader. */
export interface UsageStore {
  /** Writes rows (`body`: RowBinary, columns as ROW_COLUMNS says). After an error the outcome is unknown: compare identities. */
  write(table: UsageTable, body: Uint8Array): Promise<void>;
  /** Identity of the rows that each of the segments wrote, in their order. */
  identities(table: UsageTable, segments: readonly SegmentKey[]): Promise<RowIdentity[]>;
  /** Identity of the deltas that a backfill wrote for the chunk starting at `start`. */
  chunkIdentity(origin: number, partition: number, start: number): Promise<RowIdentity>;
  /** Every claim on these ids below offset `before`, in offset order. Reads its own writes. */
  claims(partition: number, idHashes: readonly string[], before: number): Promise<IdClaim[]>;
  /** Id hashes claimed below offset `before` since `sinceMs`, a share of all hashes at a time, which costs no more than what it answers: to warm the filter. */
  claimedIds(partition: number, share: HashShare & { before: number; sinceMs: number }): Promise<string[]>;
  /** Sources under which the tenant sent this event id. Searches the tenant's events: for an operator's correction, not for a hot path. */
  sourcesOf(tenant: string, id: string): Promise<string[]>;
  eventsAt(partition: number, offsets: readonly number[]): Promise<StoredEvent[]>;
  /** Events and voids of the range, in offset order. */
  scanEvents(scan: EventScan): Promise<StoredEvent[]>;
  /** Events and voids of every tenant in the offsets [from, to). */
  scanPartition(partition: number, from: number, to: number): Promise<TenantEvent[]>;
  tally(partition: number, cut: number): Promise<PartitionTally>;
  /** Offsets that voids of the range withdraw. */
  withdrawnOffsets(scan: EventScan): Promise<number[]>;
  /** Offsets that voids below `cut` withdraw, of every tenant. */
  withdrawnInPartition(partition: number, cut: number): Promise<number[]>;
}
