import type { RowIdentity, SegmentRange, UsageTable } from '../ports/segment-ledger.ts';
import type { UsageStore } from '../ports/usage-store.ts';
import type { DerivedSegment } from './derive.ts';
import { NO_ROWS, sameIdentity } from './row-batch.ts';

export const USAGE_TABLES: readonly UsageTable[] = ['event_key', 'event', 'refused_event', 'usage_delta'];

/** One insert a table for all segments: an insert has a fixed price. */
export async function writeTable(store: UsageStore, table: UsageTable, segments: readonly DerivedSegment[]): Promise<void> {
  const bodies = segments.map(({ tables }) => tables[table].body).filter((body) => body.length > 0);
  const [first] = bodies;
  if (first !== undefined) await store.write(table, bodies.length === 1 ? first : Buffer.concat(bodies));
}

/** Of segments that are compared with one query, which remembers every row of them. */
const COMPARED_RECORDS_MAX = 1_000_000;

interface StatedSegment {
  readonly range: SegmentRange;
  readonly identity: Readonly<Record<UsageTable, RowIdentity>>;
}

/** Segments whose stored rows are not exactly the derived ones. Many partitions share a query: one has a fixed price. */
export async function differing(
  store: UsageStore,
  table: UsageTable,
  segments: readonly StatedSegment[],
): Promise<SegmentRange[]> {
  const wrong: SegmentRange[] = [];
  for (const some of comparedTogether(segments)) {
    const stored = await store.identities(table, some.map(({ range }) => range)); // prettier-ignore
    for (const [at, { range, identity }] of some.entries()) {
      if (!sameIdentity(stored[at] ?? NO_ROWS, identity[table])) wrong.push(range);
    }
  }
  return wrong;
}

function comparedTogether(segments: readonly StatedSegment[]): StatedSegment[][] {
  const groups: StatedSegment[][] = [];
  let leftRecords = 0;
  for (const segment of segments) {
    const records = segment.range.end - segment.range.start;
    if (records > leftRecords || groups.length === 0) {
      groups.push([]);
      leftRecords = COMPARED_RECORDS_MAX;
    }
    groups.at(-1)?.push(segment);
    leftRecords -= records;
  }
  return groups;
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
