export { kafkaAvailable } from './kafka-jars.ts';
export { startKafka, type LocalKafka } from './start-kafka.ts';
