import { existsSync } from 'node:fs';
import path from 'node:path';
import { clickhouseKeptRecords } from '@meterline/backends/clickhouse';
import { type CopiedTable, storedCuts, tablesToCopy } from '@meterline/backends/postgres';
import { openBillingStore, openEventLog, openUsageStore, type Opening } from '@meterline/composition/engines';
import { portsOver, type Ports } from '@meterline/composition/installation';
import { Fault } from '@meterline/domain/faults';
import { Aggregator, sealPass } from '@meterline/pipeline/aggregation';
import { runBackfill } from '@meterline/pipeline/backfill';
import { chainOf, type MoveStep, originalRecords, stepsOf, versionEnds } from '@meterline/pipeline/move';
import type { AcceptanceWindow, CommittedSegment, Cut } from '@meterline/pipeline/ports';
import { readSettings } from '@meterline/runtime/config';

/** The data folder as it is moved. Nothing of it changes but that what was begun is brought to its end. */
export interface MoveSource {
  readonly ports: Ports;
  readonly tables: readonly CopiedTable[];
  readonly configVersion: number;
  /** By old partition, in order. */
  readonly segments: readonly (readonly CommittedSegment[])[];
  /** Every cut that has a place in the new log; the last one is the end. */
  readonly chain: readonly Cut[];
  /** How the new log is to be read, with ends by old partition. */
  readonly steps: readonly MoveStep[];
  records(partitionCount: number): ReturnType<typeof originalRecords>;
}

/** As wide as settings may make it: ids to ask for, not what is accepted. */
const ACCEPTANCE_MS_MAX = 36 * 86_400_000;

/** Opens the engines of the folder under its lock. Faults: `data_folder.unknown`, `data_folder.in_use`. */
export async function openFolder(opening: Omit<Opening, 'settings'>, dataFolder: string): Promise<Ports> {
  if (!existsSync(path.join(dataFolder, 'pgdata')) || !existsSync(path.join(dataFolder, 'log')))
    throw new Fault('not_found', 'data_folder.unknown', `${path.resolve(dataFolder)} is not a data folder of Meterline`);
  const inFolder = (partitions: number) => ({
    ...opening,
    settings: readSettings({ METERLINE_DATA: dataFolder, METERLINE_PARTITIONS: String(partitions) }),
  });
  const { database } = await openBillingStore(inFolder(1), { migrating: true });
  const [log] = await database.query<{ partition_count: number }>(
    'select partition_count from event_log order by created_at desc limit 1',
  );
  const known = inFolder(log?.partition_count ?? 1);
  const clickhouse = await openUsageStore(known, { migrating: true });
  return portsOver({ database, clickhouse, log: await openEventLog(known, database, { registering: true }) });
}

/** Records that are not usage yet. */
export async function pendingRecords({ log, ledger }: Ports): Promise<number> {
  const cut = await ledger.committedCut(log.logId);
  const ends = await Promise.all(partitionsOf(log.partitionCount).map(async (partition) => (await log.bounds(partition)).next));
  return ends.reduce((sum, next, partition) => sum + next - (cut[partition] ?? 0), 0);
}

/** Makes usage of all that is in the log, seals it and ends the backfills: what is moved is what everybody has agreed on. */
export async function settle(ports: Ports, nowMs: number): Promise<void> {
  const { log, ledger, usage, backfills } = ports;
  const aggregator = new Aggregator(ports, { owner: 'move', partitions: partitionsOf(log.partitionCount) });
  const aborted = new AbortController();
  const { warmed } = await aggregator.acquire(aborted.signal, nowMs, ACCEPTANCE_MS_MAX);
  while ((await aggregator.cycle()).records > 0);
  const rewrite = (segment: CommittedSegment) => aggregator.rewrite(segment);
  while ((await sealPass({ logId: log.logId, ledger, usage, rewrite })).more);
  for (const backfill of await backfills.running()) await runBackfill(ports, backfill, () => nowMs);
  aborted.abort();
  await warmed;
}

export async function surveyed(ports: Ports): Promise<MoveSource> {
  const { database, log, ledger, usage } = ports;
  const end = await ledger.committedCut(log.logId);
  const segments = await Promise.all([...end.keys()].map((partition) => ledger.segments(log.logId, partition)));
  const versions = versionEnds(segments, end);
  const { exact, loose } = await storedCuts(database);
  const windows = new Map<number, Promise<AcceptanceWindow>>();
  const acceptanceAt = (version: number): Promise<AcceptanceWindow> => {
    const window = windows.get(version) ?? ledger.configAt(version).then(({ acceptance }) => acceptance);
    windows.set(version, window);
    return window;
  };
  const original = { records: clickhouseKeptRecords(ports.clickhouse), usage, segments, acceptanceAt };
  return {
    ports,
    segments,
    steps: stepsOf(versions, exact),
    configVersion: await ledger.configVersion(),
    tables: await tablesToCopy(database),
    chain: chainOf({ exact: [...exact, ...versions.map((version) => version.end)], loose }, end),
    records: (partitionCount) => originalRecords(original, end, partitionCount),
  };
}

function partitionsOf(count: number): number[] {
  return Array.from({ length: count }, (_, partition) => partition);
}
