import { Aggregator, type AggregationLimits, type AggregatorPorts, DEFAULT_LIMITS } from '../aggregation/aggregator.ts';
import { sealPass } from '../aggregation/sealing.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { Cut } from '../ports/segment-ledger.ts';
import type { MoveLayout } from './layout.ts';

export interface ReplayPorts extends AggregatorPorts {
  /** Makes this version the newest: what the next segments are planned with. */
  setConfigVersion(version: number): Promise<void>;
}

/** Records derived at a time, over all partitions: they are in memory together. */
const RECORDS_AT_A_TIME = 100_000;
const BYTES_AT_A_TIME = 100_000_000;

/**
 * Turns the moved records into usage as any aggregator does, but each with the version of the configuration that it was read with the first time:
 * a meter made later must not count what came before it. Whatever an earlier run committed stays; at the end everything is sealed.
 */
export async function replayLog(
  ports: ReplayPorts,
  layout: Pick<MoveLayout, 'end' | 'steps'>,
  nowMs: number,
  onProgress: (records: number) => void,
): Promise<void> {
  const { ledger } = ports;
  const partitions = [...layout.end.keys()];
  let until: Cut = layout.end;
  const log: EventLog = { ...ports.log, read: (partition, from, limit) => readUntil(partition, from, limit) };
  const aggregator = new Aggregator({ ...ports, log }, { owner: 'move', partitions, limits: limitsOf(partitions.length) });
  // Ids of all time: the records are as old as they are, so nothing of the filter may be forgotten on the way.
  await aggregator.acquire(new AbortController().signal, nowMs, nowMs);
  const progress = (): void => onProgress(aggregator.leases.reduce((sum, { nextOffset }) => sum + nextOffset, 0));

  function readUntil(partition: number, from: number, limit: { recordsMax: number; bytesMax: number }) {
    const recordsMax = Math.min(limit.recordsMax, (until[partition] ?? 0) - from);
    return recordsMax > 0 ? ports.log.read(partition, from, { ...limit, recordsMax }) : Promise.resolve([]);
  }

  if ((await ledger.unfinished(log.logId)).length > 0) await aggregator.cycle();
  for (const { configVersion, end } of layout.steps) {
    until = end;
    await ports.setConfigVersion(configVersion);
    while ((await aggregator.cycle()).records > 0) progress();
  }
  progress();
  const sealing = { logId: log.logId, ledger, usage: ports.usage, rewrite: aggregator.rewrite.bind(aggregator) };
  while ((await sealPass(sealing)).more);
}

function limitsOf(partitionCount: number): AggregationLimits {
  return {
    ...DEFAULT_LIMITS,
    segmentRecordsMax: Math.max(500, Math.ceil(RECORDS_AT_A_TIME / partitionCount)),
    segmentBytesMax: Math.max(500_000, Math.ceil(BYTES_AT_A_TIME / partitionCount)),
  };
}
