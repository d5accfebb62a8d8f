import type { SegmentRange, UsageTable } from '../ports/segment-ledger.ts';
import type { UsageStore } from '../ports/usage-store.ts';
import type { DerivedSegment } from './derive.ts';
import { NO_ROWS, sameIdentity } from './row-batch.ts';

export const USAGE_TABLES: readonly UsageTable[] = ['event_key', 'event', 'refused_event', 'usage_delta'];

/** One insert a table for all segments: an insert has a fixed price. */
export async function writeTable(store: UsageStore, table: UsageTable, segments: readonly DerivedSegment[]): Promise<void> {
  const bodies = segments.map(({ tables }) => tables[table]).filter(({ rows }) => rows > 0);
  const [first] = bodies;
  if (first === undefined) return;
  await store.write(table, bodies.length === 1 ? first.body : Buffer.concat(bodies.map(({ body }) => body)));
}

/** Segments whose stored rows are not exactly the derived ones. */
export async function differing(
  store: UsageStore,
  table: UsageTable,
  segments: readonly { range: SegmentRange; identity: Readonly<Record<UsageTable, { rows: number; xor: string }>> }[],
): Promise<SegmentRange[]> {
  const wrong: SegmentRange[] = [];
  for (const partition of new Set(segments.map(({ range }) => range.partition))) {
    const here = segments.filter(({ range }) => range.partition === partition);
    const stored = await store.identities(table, partition, here.map(({ range }) => range.start)); // prettier-ignore
    for (const { range, identity } of here) {
      if (!sameIdentity(stored.get(range.start) ?? NO_ROWS, identity[table])) wrong.push(range);
    }
  }
  return wrong;
}

/** Writes what is missing or different, and proves it: for segments whose earlier writes may or may not have happened. */
export async function repairTable(store: UsageStore, table: UsageTable, segments: readonly DerivedSegment[]): Promise<void> {
  const asStated = segments.map(({ range, manifest }) => ({ range, identity: manifest.identity }));
  const wrong = new Set((await differing(store, table, asStated)).map(keyOf));
  if (wrong.size === 0) return;
  const affected = segments.filter(({ range }) => wrong.has(keyOf(range)));
  await writeTable(store, table, affected);
  const still = await differing(store, table, asStated);
  if (still.length > 0) throw new UsageMismatchError(table, still);
}

function keyOf({ partition, start }: SegmentRange): string {
  return `${partition}:${start}`;
}

/** The usage store holds other rows than the log gives, and writing them again did not help: a defect, not an outage. */
class UsageMismatchError extends Error {
  override readonly name = 'UsageMismatchError';

  constructor(table: UsageTable, ranges: readonly SegmentRange[]) {
    super(
      `${table} does not hold what these segments derive to: ${ranges.map(({ partition, start, end }) => `${partition}:[${start},${end})`).join(' ')}`,
    );
  }
}
