import type { CommittedSegment, RowIdentity, SegmentManifest, UsageTable } from '../ports/segment-ledger.ts';
import { USAGE_TABLES } from './table-writer.ts';

/** Joins neighbours of one partition that were read with the same configuration; counts add up and identities combine. */
export function joinSegments(segments: readonly CommittedSegment[]): CommittedSegment[] {
  const joined: CommittedSegment[] = [];
  for (const segment of [...segments].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && last.end === segment.start && last.configVersion === segment.configVersion) {
      joined[joined.length - 1] = { ...last, end: segment.end, manifest: joinManifests(last.manifest, segment.manifest) };
    } else {
      joined.push(segment);
    }
  }
  return joined;
}

function joinManifests(a: SegmentManifest, b: SegmentManifest): SegmentManifest {
  const identity = USAGE_TABLES.map((table): [UsageTable, RowIdentity] => {
    const xor = BigInt(a.identity[table].xor) ^ BigInt(b.identity[table].xor);
    return [table, { rows: a.identity[table].rows + b.identity[table].rows, xor: xor.toString() }];
  });
  return {
    accepted: a.accepted + b.accepted,
    duplicate: a.duplicate + b.duplicate,
    conflict: a.conflict + b.conflict,
    rejected: a.rejected + b.rejected,
    unmetered: a.unmetered + b.unmetered,
    appendedThroughMs: Math.max(a.appendedThroughMs, b.appendedThroughMs),
    identity: Object.fromEntries(identity) as SegmentManifest['identity'],
  };
}
