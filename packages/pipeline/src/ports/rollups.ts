import type { SegmentRange } from './segment-ledger.ts';

/** Which ranges of sealed segments are folded into hourly rollups. Lives in the billing store. */
export interface RollupLedger {
  /** Ranges planned and not committed, to be finished first. */
  unfinishedRollups(logId: string): Promise<SegmentRange[]>;
  /**
   * Plans, in every partition (or each of `partitions`), the range of sealed segments that follows the last one, where it has at least
   * `segmentsMin` segments or its oldest record entered the log before `olderThanMs`; at most `segmentsMax` segments.
   */
  planRollups(
    logId: string,
    rule: { segmentsMin: number; segmentsMax: number; olderThanMs: number; partitions?: readonly number[] },
  ): Promise<SegmentRange[]>;
  commitRollup(logId: string, range: SegmentRange): Promise<void>;
}

/** Folds deltas in the usage store. */
export interface RollupStore {
  /** Writes the rollup rows of a range; writing them again is the same write. */
  writeRollup(range: SegmentRange): Promise<void>;
  /** Whether the stored rollup rows of the range are exactly what its deltas fold to. */
  rollupMatches(range: SegmentRange): Promise<boolean>;
}
