import { type CopiedTable, tableDigest } from '@meterline/backends/postgres';
import { type Ports, reconciliation } from '@meterline/composition/installation';
import { Fault } from '@meterline/domain/faults';
import type { Meter } from '@meterline/domain/meters';
import { OUTCOMES, recordTotals, usageByMonth } from '@meterline/pipeline/move';
import type { CommittedSegment } from '@meterline/pipeline/ports';

/** One figure on both sides of a move. */
export interface ComparedFigure {
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

const DIFFERENCES_SHOWN = 5;

/** Fails with `move.source_differs` or `move.target_differs` if an invariant does not hold. */
export async function requireReconciled(ports: Ports, side: 'source' | 'target'): Promise<ComparedFigure['after']> {
  const { invariants } = await reconciliation(ports)();
  const broken = invariants.filter(({ holds }) => !holds);
  if (broken.length === 0) return `${invariants.length} of ${invariants.length} hold`;
  const text = broken.map(({ name, differences }) => `${name}: ${differences.slice(0, DIFFERENCES_SHOWN).join('; ')}`).join('. ');
  const whose =
    side === 'source' ? 'the data folder does not reconcile, so it is not moved' : 'what was moved does not reconcile';
  throw new Fault('conflict', `move.${side}_differs`, `${whose}: ${text}`);
}

/** Counts, bytes and usage on both sides; equal in every line if nothing was lost. `repeated`: records that Kafka has twice. */
export async function compareSides(
  before: Ports,
  after: Ports,
  { tables, repeated }: { readonly tables: readonly CopiedTable[]; readonly repeated: number },
): Promise<ComparedFigure[]> {
  const old = recordTotals(await allSegments(before));
  const now = recordTotals(await allSegments(after));
  const figures: ComparedFigure[] = [];
  const figure = (what: string, one: number | string, other: number | string): void =>
    void figures.push({ what, before: String(one), after: String(other) });

  figure('accepted', old.accepted, now.accepted);
  if (repeated === 0) for (const outcome of OUTCOMES.slice(1)) figure(outcome, old[outcome], now[outcome]);
  else figure('refused', refused(old) + repeated, refused(now));
  for (const table of repeated === 0 ? (['event', 'event_key', 'refused_event'] as const) : (['event', 'event_key'] as const))
    figure(`rows and bytes of ${table}`, identityText(old.identity[table]), identityText(now.identity[table]));
  for (const meter of await allMeters(before)) {
    const [one, other] = [await usageByMonth(before.reader, meter), await usageByMonth(after.reader, meter)];
    figure(`usage of ${meter.tenant}/${meter.key}`, ...comparedUsage(one, other));
  }
  for (const { table } of tables)
    figure(`rows of ${table}`, await tableDigest(before.database, table), await tableDigest(after.database, table));
  return figures;
}

async function allSegments({ log, ledger }: Ports): Promise<CommittedSegment[]> {
  const cut = await ledger.committedCut(log.logId);
  return (await Promise.all([...cut.keys()].map((partition) => ledger.segments(log.logId, partition)))).flat();
}

async function allMeters({ ledger }: Ports): Promise<readonly Meter[]> {
  return (await ledger.configAt(await ledger.configVersion())).meters;
}

/** The whole as a line for each side; where they differ, the first that do. */
function comparedUsage(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): [string, string] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  const different = [...keys].filter((key) => before.get(key) !== after.get(key));
  const whole = `${keys.size} subject-months`;
  if (different.length === 0) return [whole, whole];
  const shown = different.slice(0, DIFFERENCES_SHOWN);
  const side = (usage: ReadonlyMap<string, string>) => shown.map((key) => `${key}: ${usage.get(key) ?? 'none'}`).join('; ');
  return [side(before), side(after)];
}

function refused({ duplicate, conflict, rejected }: ReturnType<typeof recordTotals>): number {
  return duplicate + conflict + rejected;
}

function identityText({ rows, xor }: { readonly rows: number; readonly xor: string }): string {
  return `${rows} (${BigInt(xor).toString(16).padStart(16, '0')})`;
}
