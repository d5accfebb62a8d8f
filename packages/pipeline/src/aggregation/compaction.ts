import type { RollupLedger, RollupStore } from '../ports/rollups.ts';
import type { SegmentRange } from '../ports/segment-ledger.ts';

export const COMPACTION_RULE = { segmentsMin: 300, segmentsMax: 3_000, maxAgeMs: 3_600_000 };

export interface CompactionPorts {
  readonly logId: string;
  readonly ledger: RollupLedger;
  readonly store: RollupStore;
}

/**
 * Folds sealed segments into hourly rollups: plan the range, write, compare with the deltas, commit. Readers see a rollup only once committed,
 * and never both it and its deltas. A kill leaves a planned range that the next pass finishes.
 */
export async function compactPass(ports: CompactionPorts, nowMs: number, rule = COMPACTION_RULE): Promise<SegmentRange[]> {
  const { logId, ledger, store } = ports;
  const resumed = await ledger.unfinishedRollups(logId);
  const planned = await ledger.planRollups(logId, { ...rule, olderThanMs: nowMs - rule.maxAgeMs });
  const ranges = [...resumed, ...planned];
  for (const range of ranges) {
    if (!(await store.rollupMatches(range))) await store.writeRollup(range);
    if (!(await store.rollupMatches(range)))
      throw new Error(`rollup ${range.partition}:[${range.start},${range.end}) differs from its deltas`);
    await ledger.commitRollup(logId, range);
  }
  return ranges;
}
