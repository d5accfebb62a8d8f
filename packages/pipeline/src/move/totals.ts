import { NO_ROWS } from '../aggregation/row-batch.ts';
import type { CommittedSegment, RowIdentity, SegmentManifest, UsageTable } from '../ports/segment-ledger.ts';
import { type Meter, storedMeter } from '@meterline/domain/meters';
import { EVER, type UsageReader } from '../ports/usage-reader.ts';

export const OUTCOMES = ['accepted', 'duplicate', 'conflict', 'rejected'] as const;

/** What became of records, and the identity of the rows that say so: these rows name no partition in their hashes, so both sides have the same. */
export type RecordTotals = Readonly<Record<(typeof OUTCOMES)[number], number>> & {
  readonly identity: Readonly<Record<ContentTable, RowIdentity>>;
};

/** Tables whose row hashes are hashes of the records themselves. */
type ContentTable = Exclude<UsageTable, 'usage_delta'>;

export function recordTotals(segments: readonly CommittedSegment[]): RecordTotals {
  const manifests = segments.map(({ manifest }) => manifest);
  const count = (outcome: (typeof OUTCOMES)[number]) => manifests.reduce((sum, manifest) => sum + manifest[outcome], 0);
  return {
    accepted: count('accepted'),
    duplicate: count('duplicate'),
    conflict: count('conflict'),
    rejected: count('rejected'),
    identity: {
      event: combined(manifests, 'event'),
      event_key: combined(manifests, 'event_key'),
      refused_event: combined(manifests, 'refused_event'),
    },
  };
}

function combined(manifests: readonly SegmentManifest[], table: UsageTable): RowIdentity {
  return manifests.reduce((all: RowIdentity, { identity }) => {
    const xor = BigInt(all.xor) ^ BigInt(identity[table].xor);
    return { rows: all.rows + identity[table].rows, xor: xor.toString() };
  }, NO_ROWS);
}

/** What a meter keeps by subject and month, `<subject> <month>` to `<value> of <events>`; nothing for one that is read from events alone. */
export async function usageByMonth(reader: UsageReader, meter: Meter): Promise<ReadonlyMap<string, string>> {
  const stored = storedMeter(meter);
  if (stored === null) return new Map();
  const window = { size: 'month', timezone: 'UTC' } as const;
  const { rows } = await reader.usage({ meter: stored, ...EVER, bySubject: true, window });
  return new Map(
    rows.map(({ subject, windowFromMs, value, events }) => [
      `${subject ?? ''} ${new Date(windowFromMs).toISOString().slice(0, 7)}`,
      `${value} of ${events}`,
    ]),
  );
}
