import { Fault } from '@meterline/domain/faults';
import type { Database } from '@meterline/pipeline/ports';

/** Which log a topic stands for. */
export interface TopicLogs {
  /** Undefined until the topic was registered. */
  find(topic: string): Promise<string | undefined>;
  /**
   * Answers the log of the topic, which is `logId` unless it has one already. Fails with `event_log.partition_count` if that one has another number of
   * partitions, with `event_log.being_moved` until a move into it, or
   * its replay, is complete.
   */
  register(topic: string, logId: string, partitionCount: number): Promise<string>;
  /**
   * Fails with `event_log.topic_replaced` if the log was read from another topic of this name: its offsets mean other events. The first topic that is
   * confirmed is the one.
   */
  confirm(topic: string, topicId: string): Promise<void>;
}

export function postgresTopicLogs(database: Database): TopicLogs {
  async function read(topic: string): Promise<{ log_id: string; partition_count: number } | undefined> {
    const [row] = await database.query<{ log_id: string; partition_count: number }>(
      `select log_id, partition_count from event_log where topic = $1`,
      [topic],
    );
    return row;
  }
  return {
    async confirm(topic, topicId) {
      await database.query(`update event_log set topic_id = $2 where topic = $1 and topic_id is null`, [topic, topicId]);
      const [kept] = await database.query<{ topic_id: string }>(`select topic_id from event_log where topic = $1`, [topic]);
      if (kept === undefined || kept.topic_id === topicId) return;
      throw new Fault(
        'conflict',
        'event_log.topic_replaced',
        `the topic ${topic} is not the one that was read until now (${kept.topic_id}) but one made anew (${topicId}): its offsets mean other events`,
      );
    },
    find: async (topic) => (await read(topic))?.log_id,
    async register(topic, logId, partitionCount) {
      await database.query(`insert into event_log (log_id, partition_count, topic) values ($1, $2, $3) on conflict do nothing`, [
        logId,
        partitionCount,
        topic,
      ]);
      const kept = await read(topic);
      if (kept === undefined) {
        throw new Fault(
          'conflict',
          'event_log.being_moved',
          `a data folder is being moved into topic ${topic} or the topic is being replayed: run "meterline migrate" or "meterline log replay" to its end`,
        );
      }
      if (kept.partition_count === partitionCount) return kept.log_id;
      throw new Fault(
        'conflict',
        'event_log.partition_count',
        `the log of topic ${topic} was begun with ${kept.partition_count} partitions, not ${partitionCount}`,
      );
    },
  };
}
