import type { Meter } from '@meterline/domain/meters';

/** Per partition, the first offset that is not visible yet. Index = partition. */
export type Cut = readonly number[];

export interface Lease {
  readonly partition: number;
  readonly epoch: number;
  readonly nextOffset: number;
}

export interface SegmentRange {
  readonly partition: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface PlannedSegment extends SegmentRange {
  readonly configVersion: number;
}

/** What a segment came to. Written at commit; sealing compares the usage store against it. */
export interface SegmentManifest {
  readonly accepted: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly rejected: number;
  /** Events that feed no meter are accepted but unmetered. */
  readonly unmetered: number;
  /** When the youngest record of the segment entered the log: it may be forgotten there some time after. */
  readonly appendedThroughMs: number;
  readonly identity: Readonly<Record<UsageTable, RowIdentity>>;
}

export type UsageTable = 'event' | 'refused_event' | 'event_key' | 'usage_delta';

/** Number of rows and XOR of their 64-bit row hashes (as decimal text): equal identity means equal rows. */
export interface RowIdentity {
  readonly rows: number;
  readonly xor: string;
}

export interface DerivedRange extends SegmentRange {
  readonly manifest: SegmentManifest;
}

export interface CommittedSegment extends PlannedSegment, DerivedRange {}

/** Touched subjects of one tenant: rating must look at whoever they belong to. */
export interface Wake {
  readonly tenant: string;
  readonly subjects: readonly string[];
}

/** How long before and after it enters the log an event may claim to have happened. */
export interface AcceptanceWindow {
  readonly pastMs: number;
  readonly futureMs: number;
}

/** A meter and the backfill that counted its earlier events, if one was started by this version. */
export interface FeedingMeter extends Meter {
  readonly backfill: { readonly origin: number } | null;
}

/** How segments planned with a configuration version are read. */
export interface LedgerConfig {
  readonly version: number;
  readonly acceptance: AcceptanceWindow;
  /** Meters of every tenant created by this version, archived ones included. */
  readonly meters: readonly FeedingMeter[];
}

/** Truth about who reads which partition and which part of the log has become usage. Lives in the billing store. */
export interface SegmentLedger {
  /** Takes every partition of the log with a new epoch, whoever held it. Creates the leases of a new log. */
  acquire(logId: string, partitions: readonly number[], owner: string): Promise<Lease[]>;
  /** Planned but uncommitted segments (at most one a partition). */
  unfinished(logId: string): Promise<PlannedSegment[]>;
  /** Fixes the boundaries, all or none, at the newest meter configuration. Fails with LeaseLostError unless every lease is current and starts at `start`. */
  plan(logId: string, leases: readonly Lease[], ranges: readonly SegmentRange[]): Promise<PlannedSegment[]>;
  /** Commits segments and wakes rating, all or nothing; advances the leases. Fails with LeaseLostError like `plan`. */
  commit(logId: string, leases: readonly Lease[], segments: readonly DerivedRange[], wakes: readonly Wake[]): Promise<void>;
  /** What money queries may see now. */
  committedCut(logId: string): Promise<Cut>;
  /** Up to where every segment was verified. */
  sealedCut(logId: string): Promise<Cut>;
  /** Committed segments that are not sealed, those of low offsets first so that no partition waits for another; with `partitions`, only theirs. */
  unsealed(logId: string, limit: number, partitions?: readonly number[]): Promise<CommittedSegment[]>;
  /** Per partition, the end of the sealed segments whose records all entered the log before `appendedBeforeMs`. */
  sealedSince(logId: string, appendedBeforeMs: number): Promise<Cut>;
  /** Every committed or sealed segment of a partition, in order. */
  segments(logId: string, partition: number): Promise<CommittedSegment[]>;
  seal(logId: string, segments: readonly SegmentRange[]): Promise<void>;
  /** The newest configuration version: what the next segments are planned with. */
  configVersion(): Promise<number>;
  configAt(configVersion: number): Promise<LedgerConfig>;
  /** Makes the acceptance window the current one, as a new configuration version unless it already is. */
  setAcceptance(window: AcceptanceWindow): Promise<void>;
}

/** The aggregators of a log as the billing store sees them at one moment. */
export interface SharingView {
  /** Whoever's heartbeat is young, the asking member included. */
  readonly members: readonly string[];
  /** Index = partition: who took it last, or '' if it was given up. The owner may be dead. */
  readonly owners: readonly string[];
}

/**
 * How many aggregators share one log, politely: whoever lives keeps what it holds until it gives it up. It spares work done twice; exactness
 * never depends on it, but on the epochs that `claim` raises. Lives in the billing store and goes by its time.
 */
export interface PartitionSharing {
  /** Creates the log's leases unless they are there. Fails if the log was begun with another number of partitions. */
  open(logId: string, partitionCount: number): Promise<void>;
  /** Says that `member` lives. */
  heartbeat(logId: string, member: string): Promise<SharingView>;
  /** Takes, with a new epoch each, those of the partitions that `member` held last or that no living member holds. */
  claim(logId: string, partitions: readonly number[], member: string): Promise<Lease[]>;
  /** Gives up those of the partitions that are still `member`'s: others may claim them at once. */
  release(logId: string, partitions: readonly number[], member: string): Promise<void>;
  /** Gives up everything: from now on `member` does not live. */
  leave(logId: string, member: string): Promise<void>;
}

/** Another owner took the partition, or the plan no longer fits: drop everything held for it and acquire again. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}
