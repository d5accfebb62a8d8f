import { compileMeter, isMeterRefusal } from '@meterline/domain/meters';
import { Deltas } from '../aggregation/deltas.ts';
import { sameIdentity } from '../aggregation/row-batch.ts';
import type { Backfill, BackfillStore } from '../ports/backfill-store.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { SegmentLedger } from '../ports/segment-ledger.ts';
import type { UsageStore } from '../ports/usage-store.ts';

/** Offsets of one chunk: fixed, so that a chunk written again after a crash is the same chunk. */
const CHUNK_OFFSETS = 50_000;

export interface BackfillPorts {
  readonly log: Pick<EventLog, 'logId'>;
  readonly ledger: Pick<SegmentLedger, 'committedCut'>;
  readonly usage: UsageStore;
  readonly backfills: BackfillStore;
}

export interface BackfillProgress {
  readonly done: number;
  readonly total: number;
  /** Stored events that break a rule of the meter (no value, not a number) and so add nothing. */
  readonly skipped: number;
}

/**
 * Fills a meter from raw events that were committed before it existed. Deltas are keyed by (backfill, partition, chunk) and stay invisible until all
 * of them are written and compared; killed anywhere, running it again continues at the last finished chunk.
 * @returns false when segments planned before the backfill began are not committed yet: call again later.
 */
export async function runBackfill(
  ports: BackfillPorts,
  backfill: Backfill,
  nowMs: () => number,
  onProgress: (progress: BackfillProgress) => void = () => undefined,
): Promise<boolean> {
  const cut = await ports.ledger.committedCut(ports.log.logId);
  if (backfill.boundaries.some(({ voidBefore }, partition) => (cut[partition] ?? 0) < voidBefore)) return false;
  const filled = [...backfill.filledThrough];
  const subjects = new Set<string>();
  let skipped = 0;
  for (const [partition, { before, voidBefore }] of backfill.boundaries.entries()) {
    const { tenant, eventType: type } = backfill.meter;
    const withdrawn = new Set(await ports.usage.withdrawnOffsets({ partition, tenant, type, from: 0, to: voidBefore }));
    // every chunk is derived, the written ones too: rating must be woken for all subjects; what is there already is not written again
    for (let from = 0; from < before; from += CHUNK_OFFSETS) {
      const to = Math.min(from + CHUNK_OFFSETS, before);
      skipped += await fillChunk(ports.usage, backfill, { partition, from, to }, withdrawn, subjects);
      filled[partition] = Math.max(filled[partition] ?? 0, to);
      await ports.backfills.progress(backfill.origin, filled);
      onProgress({ done: sum(filled), total: sum(backfill.boundaries.map((boundary) => boundary.before)), skipped });
    }
  }
  await ports.backfills.complete(backfill, [...subjects], nowMs());
  return true;
}

async function fillChunk(
  usage: UsageStore,
  { origin, meter }: Backfill,
  { partition, from, to }: { partition: number; from: number; to: number },
  withdrawn: ReadonlySet<number>,
  subjects: Set<string>,
): Promise<number> {
  const { contributionOf } = compileMeter(meter);
  const deltas = new Deltas();
  let skipped = 0;
  for (const event of await usage.scanEvents({ partition, tenant: meter.tenant, type: meter.eventType, from, to })) {
    if (event.kind !== 'event' || withdrawn.has(event.offset)) continue;
    const { subject, data } = JSON.parse(event.payload) as { subject: string; data?: unknown };
    const contribution = contributionOf(data);
    if (contribution === null) continue;
    if (isMeterRefusal(contribution)) {
      skipped += 1;
      continue;
    }
    deltas.of(meter, origin).add({ subject, timeMs: event.timeMs, offset: event.offset }, contribution);
    subjects.add(subject);
  }
  const batch = deltas.rows(partition, from, 'backfill');
  if (batch.rows === 0) return skipped;
  const stored = () => usage.chunkIdentity(origin, partition, from);
  const before = await stored();
  if (!sameIdentity(before, batch.identity)) await usage.write('usage_delta', batch.body);
  const after = await stored();
  if (!sameIdentity(after, batch.identity))
    throw new Error(`backfill ${origin}: chunk ${partition}:[${from},${to}) is not as written`);
  return skipped;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
