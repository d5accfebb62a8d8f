import { copyTable, followIdentities } from '@meterline/backends/postgres';
import type { Opening } from '@meterline/composition/engines';
import { Fault } from '@meterline/domain/faults';
import { runBackfill } from '@meterline/pipeline/backfill';
import { feedLog, type MoveLayout, placeOf, recordTotals, replayLog } from '@meterline/pipeline/move';
import type { Clock, Cut } from '@meterline/pipeline/ports';
import { compareSides, requireReconciled, type ComparedFigure } from './comparison.ts';
import { markMoved } from './marker.ts';
import { openFolder, pendingRecords, settle, surveyed, type MoveSource } from './source.ts';
import { openTarget, requireEmptyUsage, type MoveTarget } from './target.ts';

export type MovePhase = 'settle' | 'check' | 'records' | 'tables' | 'usage' | 'backfills' | 'compare';

export interface MoveOptions {
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly onProgress: (phase: MovePhase, done: number, total: number) => void;
}

/** What there is to move. */
export interface MovePlan {
  readonly dataFolder: string;
  readonly records: number;
  /** Records that are not usage yet: the move makes usage of them first. */
  readonly pending: number;
  readonly meters: number;
  readonly configVersions: number;
  readonly tables: MoveSource['tables'];
  readonly to: { readonly topic: string; readonly partitions: number; readonly usageStore: string };
}

export interface MoveResult {
  readonly figures: readonly ComparedFigure[];
  readonly records: number;
}

/** Looks at the data folder only. */
export async function planMove(opening: Opening, { dataFolder }: Pick<MoveOptions, 'dataFolder'>): Promise<MovePlan> {
  const ports = await openFolder(opening, dataFolder);
  const { segments, tables, steps, configVersion } = await surveyed(ports);
  const { accepted, duplicate, conflict, rejected } = recordTotals(segments.flat());
  const { kafka, partitions, clickhouse } = opening.settings;
  return {
    dataFolder,
    records: accepted + duplicate + conflict + rejected,
    pending: await pendingRecords(ports),
    meters: (await ports.ledger.configAt(configVersion)).meters.length,
    configVersions: new Set(steps.map((step) => step.configVersion)).size,
    tables,
    to: { topic: kafka.topic, partitions, usageStore: `${clickhouse.urls.join()}/${clickhouse.database}` },
  };
}

/**
 * Moves a data folder into an empty distributed deployment. Each step finds what an earlier run did of it, so a move that was killed is simply run
 * again. Only the last step, after everything was compared, lets the new services start and keeps the old server from starting.
 */
export async function moveDataFolder(opening: Opening, options: MoveOptions): Promise<MoveResult> {
  const { dataFolder, clock, onProgress } = options;
  const ports = await openFolder(opening, dataFolder);
  onProgress('settle', 0, 1);
  await settle(ports, clock.nowMs());
  onProgress('settle', 1, 1);
  onProgress('check', 0, 1);
  const reconciled = await requireReconciled(ports, 'source');
  onProgress('check', 1, 1);

  const source = await surveyed(ports);
  const target = await openTarget(opening);
  const ids = { sourceLogId: ports.log.logId, logId: target.ports.log.logId };
  if ((await target.moves.find()) === undefined) await requireEmptyUsage(target.ports);
  const { state, layout: kept } = await target.moves.begin(ids, target.ports.log.partitionCount);
  if (state === 'complete')
    throw new Fault('conflict', 'move.complete', 'this data folder was moved already, and the new deployment may be in use');
  const layout = kept ?? (await moveRecords(source, target, onProgress));
  await copyBillingStore(source, target, layout, onProgress);
  await replayUsage(target, layout, clock, onProgress);
  await refillMeters(source, target, onProgress);

  onProgress('compare', 0, 1);
  const figures = [
    ...(await compareSides(ports, target.ports, { tables: source.tables, repeated: layout.repeated })),
    { what: 'invariants of reconcile', before: reconciled, after: await requireReconciled(target.ports, 'target') },
  ];
  onProgress('compare', 1, 1);
  const records = layout.end.reduce((sum, offset) => sum + offset, 0);
  if (figures.some(({ before, after }) => before !== after)) return { figures, records };

  const { topic } = opening.settings.kafka;
  markMoved(dataFolder, { movedAt: new Date(clock.nowMs()).toISOString(), topic, records });
  await target.moves.complete(ids, topic, source.configVersion);
  return { figures, records };
}

async function moveRecords(source: MoveSource, target: MoveTarget, onProgress: MoveOptions['onProgress']): Promise<MoveLayout> {
  const total = sum(source.chain.at(-1) ?? []);
  const log = target.ports.log;
  const fed = await feedLog(source.records(log.partitionCount), log, source.chain, (done) => onProgress('records', done, total));
  const steps = source.steps.map(({ configVersion, end }) => ({ configVersion, end: placeOf(fed, end) }));
  const layout = { ...fed, steps };
  await target.moves.keepLayout(layout);
  return layout;
}

async function copyBillingStore(
  source: MoveSource,
  target: MoveTarget,
  layout: MoveLayout,
  onProgress: MoveOptions['onProgress'],
): Promise<void> {
  const places = new Map<string, Cut>();
  const cut = (old: Cut): Cut => {
    const place = places.get(old.join()) ?? placeOf(layout, old);
    places.set(old.join(), place);
    return place;
  };
  const total = source.tables.reduce((rows, table) => rows + table.rows, 0);
  let done = 0;
  onProgress('tables', 0, total);
  for (const { table, rows } of source.tables) {
    await copyTable(source.ports.database, target.ports.database, table, { cut });
    onProgress('tables', (done += rows), total);
  }
  await followIdentities(target.ports.database);
}

async function replayUsage(
  { ports, moves }: MoveTarget,
  layout: MoveLayout,
  clock: Clock,
  onProgress: MoveOptions['onProgress'],
): Promise<void> {
  const setConfigVersion = (version: number) => moves.setConfigVersion(version);
  await replayLog({ ...ports, setConfigVersion }, layout, clock.nowMs(), (done) => onProgress('usage', done, sum(layout.end)));
}

/** Complete backfills of the old store are made again over the new partitions, and end when they had ended. */
async function refillMeters(source: MoveSource, { ports }: MoveTarget, onProgress: MoveOptions['onProgress']): Promise<void> {
  const endedAt = await source.ports.database.query<{ id: number; completed_at: string }>(
    `select id, completed_at from meter_backfill where state = 'complete'`,
  );
  for (const [index, { id, completed_at }] of endedAt.entries()) {
    const backfill = (await ports.backfills.running()).find(({ origin }) => origin === id);
    if (backfill !== undefined) await runBackfill(ports, backfill, () => Date.parse(completed_at));
    onProgress('backfills', index + 1, endedAt.length);
  }
}

function sum(cut: Cut): number {
  return cut.reduce((total, offset) => total + offset, 0);
}
