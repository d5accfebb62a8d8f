import { z } from 'zod';
import { parseApiKey } from '../keys/index.ts';
import { LOG_LEVELS } from '../logging/index.ts';
import { brokers, instant, oneOf, origins, secret, setting, type Setting, text, urlOf, urls, whole } from './setting.ts';

const apiKey = z
  .string()
  .refine((key) => parseApiKey(key) !== undefined, 'must look like mk_live_<id>_<secret>, or be 16 to 256 visible characters');

/** Which engine is behind each port. A setting that is not given takes its value from here. */
export const PROFILES = Object.freeze({
  standalone: Object.freeze({
    METERLINE_EVENT_LOG: 'lmdb',
    METERLINE_USAGE_STORE: 'chdb',
    METERLINE_BILLING_STORE: 'pglite',
    METERLINE_JOBS: 'pglite',
    METERLINE_PARTITIONS: '1',
  }),
  distributed: Object.freeze({
    METERLINE_EVENT_LOG: 'kafka',
    METERLINE_USAGE_STORE: 'clickhouse',
    METERLINE_BILLING_STORE: 'postgres',
    METERLINE_JOBS: 'redis',
    METERLINE_PARTITIONS: '64',
  }),
});

export const GENERAL = {
  METERLINE_BACKEND: setting(
    'standalone',
    'Engines: standalone has them all in one process, distributed uses Kafka, ClickHouse, PostgreSQL and Redis',
    oneOf(['standalone', 'distributed']),
  ),
  METERLINE_ADMIN_KEY: secret(null, 'Admin API key of the first tenant; unset makes one at the first start', apiKey),
  METERLINE_TEST_CLOCK: setting(null, 'Start of a test clock that can be moved forward; never for real billing', instant),
  METERLINE_LOG_LEVEL: setting('info', `One of ${LOG_LEVELS.join(', ')}`, oneOf(LOG_LEVELS)),
  METERLINE_WEBHOOK_ALLOW: setting(
    'public',
    'Where webhooks may go: public, loopback (also this machine, for trying it out) or private (also private networks)',
    oneOf(['public', 'loopback', 'private']),
  ),
} satisfies Record<string, Setting>;

export const HTTP = {
  METERLINE_PORT: setting('8080', 'Port to listen on; 0 takes any free one', whole(0, 65_535)),
  METERLINE_HOST: setting('127.0.0.1', 'Address to listen on; 0.0.0.0 is every network', text),
  METERLINE_CORS_ORIGINS: setting('', 'Origins whose web pages may send events, separated by commas; none unless set', origins),
  METERLINE_CONNECTIONS_MAX: setting('10000', 'Open HTTP connections at a time', whole(1, 1_000_000)),
  METERLINE_BODY_BYTES_MAX: setting('1000000', 'Largest request body outside event ingestion', whole(1_000, 100_000_000)),
} satisfies Record<string, Setting>;

export const INGEST = {
  METERLINE_ACCEPT_PAST_DAYS: setting('35', 'How old the time of an event may be', whole(1, 35)),
  METERLINE_ACCEPT_FUTURE_MINUTES: setting('5', 'How far ahead the time of an event may be', whole(0, 1440)),
  METERLINE_INGEST_REQUEST_BYTES_MAX: setting('5000000', 'Largest ingest request, unpacked', whole(1_000, 100_000_000)),
  METERLINE_INGEST_EVENT_BYTES_MAX: setting('65536', 'Largest event', whole(256, 1_000_000)),
  METERLINE_INGEST_EVENTS_MAX: setting('1000', 'Events in one ingest request', whole(1, 100_000)),
  METERLINE_INGEST_IN_FLIGHT_BYTES_MAX: setting(
    '134217728',
    'Event bytes being ingested at a time, all requests',
    whole(1_000_000, 10_000_000_000),
  ),
  METERLINE_INGEST_IN_FLIGHT_REQUESTS_MAX: setting('1000', 'Ingest requests at a time', whole(1, 100_000)),
  METERLINE_INGEST_TENANT_EVENTS_PER_SECOND: setting(
    '0',
    'Events per second of one tenant; 0 = no limit',
    whole(0, 1_000_000_000),
  ),
  METERLINE_INGEST_TENANT_BYTES_PER_SECOND: setting(
    '0',
    'Event bytes per second of one tenant; 0 = no limit',
    whole(0, 1_000_000_000_000),
  ),
  METERLINE_INGEST_LAG_EVENTS_MAX: setting(
    '5000000',
    'Events not yet counted from which on ingest answers 503; 0 = no limit',
    whole(0, 1_000_000_000),
  ),
} satisfies Record<string, Setting>;

/** Those with a value in PROFILES have no default of their own. */
export const ENGINES = {
  METERLINE_DATA: setting('./data', 'Folder of everything that embedded engines store', text),
  METERLINE_PARTITIONS: setting(null, 'Partitions of the event log; fixed when it is created', whole(1, 1024)),
  METERLINE_EVENT_LOG: setting(null, 'lmdb or kafka', oneOf(['lmdb', 'kafka'])),
  METERLINE_USAGE_STORE: setting(null, 'chdb or clickhouse', oneOf(['chdb', 'clickhouse'])),
  METERLINE_BILLING_STORE: setting(null, 'pglite or postgres', oneOf(['pglite', 'postgres'])),
  METERLINE_JOBS: setting(null, 'pglite (in the embedded billing store) or redis', oneOf(['pglite', 'redis'])),
} satisfies Record<string, Setting>;

export const CONNECTIONS = {
  METERLINE_KAFKA_BROKERS: setting('127.0.0.1:9092', 'Some brokers, separated by commas; the rest are learnt from them', brokers),
  METERLINE_KAFKA_TOPIC: setting(
    'meterline.events',
    'Topic of the event log',
    text.regex(/^[\w.-]{1,249}$/, 'must be the name of a topic'),
  ),
  METERLINE_KAFKA_REPLICATION: setting('1', 'Copies of every partition; 3 in production', whole(1, 15)),
  METERLINE_KAFKA_MIN_INSYNC_REPLICAS: setting(
    '1',
    'Copies that must have an event before it is acknowledged; 2 in production',
    whole(1, 15),
  ),
  METERLINE_KAFKA_TLS: setting('off', 'on: connections to Kafka are encrypted', oneOf(['on', 'off'])),
  METERLINE_KAFKA_SASL: setting(
    'none',
    'How to log in to Kafka: none, plain, scram-sha-256 or scram-sha-512',
    oneOf(['none', 'plain', 'scram-sha-256', 'scram-sha-512']),
  ),
  METERLINE_KAFKA_USER: setting('', 'User for SASL', text),
  METERLINE_KAFKA_PASSWORD: secret('', 'Password for SASL', text),
  METERLINE_KAFKA_TENANT: setting(null, 'Tenant of messages of other programs that name none; unset rejects them', text),
  METERLINE_CLICKHOUSE_URL: setting('http://127.0.0.1:8123', 'Servers that know the same data, separated by commas', urls),
  METERLINE_CLICKHOUSE_USER: setting('default', 'User of ClickHouse', text),
  METERLINE_CLICKHOUSE_PASSWORD: secret('', 'Password of the user of ClickHouse', text),
  METERLINE_CLICKHOUSE_DATABASE: setting(
    'metering',
    'Database of ClickHouse; the migrations make it',
    text.regex(/^\w{1,64}$/, 'must be letters, digits and _'),
  ),
  METERLINE_CLICKHOUSE_LAYOUT: setting(
    'single',
    'single, or cluster:<name> for replicated and sharded tables on a cluster of remote_servers',
    text.regex(/^(single|cluster:\w{1,64})$/, 'must be single or cluster:<name>'),
  ),
  METERLINE_POSTGRES_URL: secret(
    'postgres://127.0.0.1:5432/meterline',
    'Database of the billing store, with user and password',
    urlOf('postgres', 'postgresql'),
  ),
  METERLINE_POSTGRES_POOL_MAX: setting('10', 'Connections of one process to PostgreSQL', whole(2, 1_000)),
  METERLINE_REDIS_PREFIX: setting(
    'meterline',
    'In front of every key in Redis',
    text.regex(/^[\w.-]{1,64}$/, 'must be letters, digits, _, . and -'),
  ),
  METERLINE_REDIS_URL: secret(
    'redis://127.0.0.1:6379',
    'Redis of jobs and limits, with user and password',
    urlOf('redis', 'rediss'),
  ),
} satisfies Record<string, Setting>;
