export { openKafkaLog, type KafkaLog } from './open-kafka-log.ts';
export { DEFAULT_KAFKA_LIMITS, type KafkaLogCallbacks, type KafkaLogLimits, type KafkaLogOptions } from './options.ts';
export type { KafkaOperation } from './trouble.ts';
