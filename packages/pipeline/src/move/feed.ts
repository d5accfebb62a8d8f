import type { EventLog } from '../ports/event-log.ts';
import type { Cut } from '../ports/segment-ledger.ts';
import type { MoveLayout } from './layout.ts';
import { type Lane, openLane } from './lane.ts';
import type { MovingRecord } from './original-records.ts';

export interface FeedSource {
  range(partition: number, from: number, to: number): AsyncIterable<readonly MovingRecord[]>;
}

/**
 * Brings every record of the old log into the new one, between each two cuts of `chain` in the order of old partition and offset, and answers where
 * each of the cuts lies now. Killed anywhere and called again with the same chain, it finds what it had brought and goes on.
 */
export async function feedLog(
  source: FeedSource,
  log: Pick<EventLog, 'append' | 'read' | 'bounds' | 'partitionCount'>,
  chain: readonly Cut[],
  onProgress: (records: number) => void,
): Promise<Omit<MoveLayout, 'steps'>> {
  const partitions = Array.from({ length: log.partitionCount }, (_, partition) => partition);
  const lanes = await Promise.all(partitions.map((partition) => openLane(log, partition)));
  const places: { from: Cut; to: Cut }[] = [];
  let before: Cut = [];
  let moved = 0;
  for (const cut of chain) {
    for (const [partition, to] of cut.entries()) {
      for await (const records of source.range(partition, before[partition] ?? 0, to)) {
        await takeAll(lanes, records);
        onProgress((moved += records.length));
      }
    }
    places.push({ from: cut, to: lanes.map(({ at }) => at) });
    before = cut;
  }
  return { end: lanes.map(({ at }) => at), places, repeated: lanes.reduce((sum, lane) => sum + lane.repeated, 0) };
}

async function takeAll(lanes: readonly Lane[], records: readonly MovingRecord[]): Promise<void> {
  const byPartition = Map.groupBy(records, ({ toPartition }) => toPartition);
  await Promise.all(lanes.map((lane, partition) => lane.take(byPartition.get(partition) ?? [])));
}
