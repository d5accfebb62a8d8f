import type { CommittedSegment, SegmentLedger, SegmentRange } from '../ports/segment-ledger.ts';
import type { UsageStore } from '../ports/usage-store.ts';
import { differing, USAGE_TABLES } from './table-writer.ts';

/** A pass has a fixed price; aggregators with many partitions commit some hundred segments a second. */
const SEGMENTS_PER_PASS = 4_000;

export interface SealingPorts {
  readonly logId: string;
  readonly ledger: Pick<SegmentLedger, 'unsealed' | 'seal'>;
  readonly usage: UsageStore;
  /** Derives a segment from the log again and writes what is wrong (Aggregator.rewrite). */
  rewrite(segment: CommittedSegment): Promise<void>;
  onRepaired?(segment: SegmentRange): void;
}

export interface SealResult {
  readonly sealed: readonly CommittedSegment[];
  readonly more: boolean;
}

/**
 * Compares committed segments with what the usage store really holds and marks them sealed. A difference (a power cut took unsynced rows) is
 * repaired from the log first. Safe to run again, and beside another run: sealing a sealed segment changes nothing.
 */
export async function sealPass(ports: SealingPorts): Promise<SealResult> {
  const segments = await ports.ledger.unsealed(ports.logId, SEGMENTS_PER_PASS);
  if (segments.length === 0) return { sealed: [], more: false };
  const stated = segments.map((segment) => ({ range: segment, identity: segment.manifest.identity }));
  const wrong = new Set<CommittedSegment>();
  for (const table of USAGE_TABLES) {
    for (const { partition, start } of await differing(ports.usage, table, stated)) {
      for (const segment of segments) if (segment.partition === partition && segment.start === start) wrong.add(segment);
    }
  }
  for (const segment of wrong) {
    await ports.rewrite(segment);
    ports.onRepaired?.(segment);
  }
  await ports.ledger.seal(ports.logId, segments);
  return { sealed: segments, more: segments.length === SEGMENTS_PER_PASS };
}
