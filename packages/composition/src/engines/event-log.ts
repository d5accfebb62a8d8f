import path from 'node:path';
import { openKafkaLog, type KafkaLog } from '@meterline/backends/kafka';
import { postgresPartitionSharing, postgresTopicLogs } from '@meterline/backends/postgres';
import { Fault } from '@meterline/domain/faults';
import type { Database, EventLog } from '@meterline/pipeline/ports';
import type { Settings } from '@meterline/runtime/config';
import { embeddedEngines, type Opening } from './opening.ts';

/**
 * Opens the event log. With `registering` a topic that has no log yet is created and gets one; otherwise it must have one in the billing store, or
 * `event_log.not_registered` says so. Fails with `event_log.topic_replaced` on a topic of the same name that is not the one read until now.
 */
export async function openEventLog(
  opening: Opening,
  database: Database,
  { registering }: { readonly registering: boolean },
): Promise<EventLog> {
  const { settings, health, onStop } = opening;
  if (settings.engines.eventLog === 'lmdb') {
    const { openLmdbLog } = await embeddedEngines();
    const log = await openLmdbLog({ folder: path.join(settings.dataFolder, 'log'), partitionCount: settings.partitions });
    onStop('event log', () => log.close());
    return log;
  }
  const known = await postgresTopicLogs(database).find(settings.kafka.topic);
  const logId = known ?? (registering ? await register(opening, database) : undefined);
  if (logId === undefined) {
    throw new Fault(
      'conflict',
      'event_log.not_registered',
      `the billing store does not know the topic ${settings.kafka.topic}: run "npm run migrate" first`,
    );
  }
  const log = await openKafka(opening, logId);
  onStop('event log', () => log.close());
  await postgresTopicLogs(database).confirm(settings.kafka.topic, log.topicId);
  health.add('event log', log.trouble);
  return log;
}

/** Opens the topic, which it creates if there is none, without asking whose log it is: for moving into it. Its log id is the topic's own. */
export async function openBareTopic(opening: Opening): Promise<EventLog> {
  const log = await openKafka(opening);
  opening.onStop('event log', () => log.close());
  return log;
}

/** The first identity of the log is the one that Kafka gave the topic. */
async function register(opening: Opening, database: Database): Promise<string> {
  const { topic } = opening.settings.kafka;
  const log = await openKafka(opening);
  try {
    const logId = await postgresTopicLogs(database).register(topic, log.logId, log.partitionCount);
    await postgresPartitionSharing(database).open(logId, log.partitionCount);
    return logId;
  } finally {
    await log.close();
  }
}

function openKafka({ settings, logger }: Opening, logId?: string): Promise<KafkaLog> {
  const { tls, login, tenantDefault, ...topic } = settings.kafka;
  return openKafkaLog({
    ...topic,
    partitionCount: settings.partitions,
    ...(logId !== undefined && { logId }),
    ...(tls && { tls }),
    ...(login !== null && { sasl: saslOf(login) }),
    ...(tenantDefault !== null && { tenantDefault }),
    callbacks: {
      onRetry: ({ operation, attempt, error }) => logger.warn({ err: error, operation, attempt }, 'Kafka: trying again'),
      onLog: ({ level, message, details }) => logger[level](details, `Kafka: ${message}`),
    },
  });
}

function saslOf({ mechanism, ...login }: NonNullable<Settings['kafka']['login']>) {
  switch (mechanism) {
    case 'plain':
      return { mechanism, ...login };
    case 'scram-sha-256':
      return { mechanism, ...login };
    case 'scram-sha-512':
      return { mechanism, ...login };
  }
}
