import { filledUsageTable } from '@meterline/backends/clickhouse';
import {
  postgresReplayStore,
  postgresSegmentLedger,
  postgresTopicLogs,
  type Replay,
  type ReplayLayout,
  servicesRunning,
  storedCuts,
} from '@meterline/backends/postgres';
import {
  openBareTopic,
  openBillingStore,
  openUsageStore,
  requireSharedEngines,
  type Opening,
} from '@meterline/composition/engines';
import { portsOver } from '@meterline/composition/installation';
import { Fault } from '@meterline/domain/faults';
import { runBackfill } from '@meterline/pipeline/backfill';
import { replayLog, stepsOf, versionEnds } from '@meterline/pipeline/move';
import type { Database, EventLog } from '@meterline/pipeline/ports';

export type ReplayPhase = 'usage' | 'backfills';

/** What there is to count anew, and what forbids it now. */
export interface ReplayPlan {
  readonly topic: string;
  readonly usageStore: string;
  readonly partitions: number;
  readonly records: number;
  /** Versions of the configuration that the records are counted with, each as the first time. */
  readonly configVersions: number;
  readonly backfills: number;
  /** A replay that was begun and not ended. */
  readonly underWay: boolean;
  readonly obstacles: readonly { readonly code: string; readonly message: string }[];
}

/** Looks, and changes nothing. */
export async function planReplay(opening: Opening): Promise<ReplayPlan> {
  const engines = await openEngines(opening);
  const { database, topic } = engines;
  const replay = await postgresReplayStore(database).find();
  const layout = replay?.layout ?? (await layoutOf(database, await formerOf(engines)));
  const [backfills] = await database.query<{ count: number }>('select count(*)::int as count from meter_backfill');
  return {
    topic,
    usageStore: `${opening.settings.clickhouse.urls.join()}/${opening.settings.clickhouse.database}`,
    partitions: layout.end.length,
    records: sum(layout.end),
    configVersions: new Set(layout.steps.map(({ configVersion }) => configVersion)).size,
    backfills: backfills?.count ?? 0,
    underWay: replay !== undefined,
    obstacles: replay === undefined ? (await obstacles(engines)).map(({ code, message }) => ({ code, message })) : [],
  };
}

/**
 * Counts the topic from its start into an empty usage store, each record with the configuration of the first time, as another log. Killed at any
 * point it goes on when it is run again; until its end no service starts. Answers the number of records. Faults: `replay.services_running`,
 * `replay.usage_not_empty`, `replay.log_trimmed`, `event_log.not_registered`, `event_log.topic_replaced`.
 */
export async function replayTopic(
  opening: Opening,
  { nowMs, onProgress }: { nowMs: () => number; onProgress: (phase: ReplayPhase, done: number, total: number) => void },
): Promise<number> {
  const engines = await openEngines(opening);
  const { database, clickhouse, topic } = engines;
  const store = postgresReplayStore(database);
  const replay = (await store.find()) ?? (await begun(engines));
  if (replay.topic !== topic)
    throw new Fault('conflict', 'replay.other_under_way', `the topic ${replay.topic} is being replayed: end that first`);
  await requireSameTopic(database, replay.formerLogId, engines.log);

  let version: number | null = null;
  const ledger = postgresSegmentLedger(database, () => version);
  const log = { ...engines.log, logId: replay.logId };
  const ports = { ...portsOver({ database, clickhouse, log }), ledger };
  const setConfigVersion = async (next: number): Promise<void> => void (version = next);
  const total = sum(replay.layout.end);
  await replayLog({ ...ports, setConfigVersion }, replay.layout, nowMs(), (done) => onProgress('usage', done, total));
  for (const [index, { id, completedAt }] of replay.backfills.entries()) {
    const backfill = (await ports.backfills.running()).find(({ origin }) => origin === id);
    if (backfill !== undefined) await runBackfill(ports, backfill, () => Date.parse(completedAt));
    onProgress('backfills', index + 1, replay.backfills.length);
  }
  await store.complete(replay);
  return total;
}

type Engines = Awaited<ReturnType<typeof openEngines>>;

async function openEngines(opening: Opening) {
  requireSharedEngines(opening.settings);
  const { database } = await openBillingStore(opening, { migrating: false });
  const clickhouse = await openUsageStore(opening, { migrating: false });
  return { database, clickhouse, log: await openBareTopic(opening), topic: opening.settings.kafka.topic };
}

async function begun(engines: Engines): Promise<Replay> {
  const { database, topic } = engines;
  const formerLogId = await formerOf(engines);
  const [obstacle] = await obstacles(engines);
  if (obstacle !== undefined) throw obstacle;
  await requireSameTopic(database, formerLogId, engines.log);
  return postgresReplayStore(database).begin(topic, formerLogId, await layoutOf(database, formerLogId));
}

async function formerOf({ database, topic }: Engines): Promise<string> {
  const found = await postgresTopicLogs(database).find(topic);
  if (found !== undefined) return found;
  throw new Fault(
    'conflict',
    'event_log.not_registered',
    `the billing store does not know the topic ${topic}: nothing was counted from it`,
  );
}

/** Up to where the former log was counted, in steps that end wherever figures were stored: readers at those cuts must see the same again. */
async function layoutOf(database: Database, logId: string): Promise<ReplayLayout> {
  const ledger = postgresSegmentLedger(database);
  const end = await ledger.committedCut(logId);
  const segments = await Promise.all(end.map((_, partition) => ledger.segments(logId, partition)));
  const { exact } = await storedCuts(database);
  return { end, steps: stepsOf(versionEnds(segments, end), exact) };
}

async function obstacles({ database, clickhouse, log }: Engines): Promise<Fault[]> {
  const found: Fault[] = [];
  const running = await postgresReplayStore(database).services();
  if (running.length > 0) found.push(servicesRunning(running));
  const filled = await filledUsageTable(clickhouse);
  if (filled !== undefined)
    found.push(
      new Fault(
        'conflict',
        'replay.usage_not_empty',
        `the table ${filled} of the usage store holds rows: give METERLINE_CLICKHOUSE_DATABASE a new name and run "npm run migrate"`,
      ),
    );
  const bounds = await Promise.all(Array.from({ length: log.partitionCount }, (_, partition) => log.bounds(partition)));
  const trimmed = bounds.findIndex(({ earliest }) => earliest > 0);
  if (trimmed >= 0)
    found.push(
      new Fault(
        'conflict',
        'replay.log_trimmed',
        `partition ${trimmed} of the topic begins at offset ${bounds[trimmed]?.earliest}: what came before is in the usage store alone, and would be lost`,
      ),
    );
  return found;
}

async function requireSameTopic(database: Database, formerLogId: string, log: EventLog): Promise<void> {
  const [former] = await database.query<{ topic_id: string | null }>('select topic_id from event_log where log_id = $1', [
    formerLogId,
  ]);
  if (former?.topic_id === null || former?.topic_id === log.logId) return;
  throw new Fault(
    'conflict',
    'event_log.topic_replaced',
    'the topic is not the one that was counted: one of its name was made anew',
  );
}

function sum(cut: readonly number[]): number {
  return cut.reduce((total, offset) => total + offset, 0);
}
