import { Fault } from '@meterline/domain/faults';
import type { z } from 'zod';
import { CONNECTIONS, ENGINES, GENERAL, HTTP, INGEST, PROFILES } from './definitions.ts';
import type { Setting } from './setting.ts';

const SETTINGS = { ...GENERAL, ...HTTP, ...INGEST, ...ENGINES, ...CONNECTIONS };
const GROUPS: Readonly<Record<string, object>> = {
  General: GENERAL,
  HTTP,
  'Events and their limits': INGEST,
  'Engines (the default is what METERLINE_BACKEND says: standalone / distributed)': ENGINES,
  'Connections to engines': CONNECTIONS,
};

type Name = keyof typeof SETTINGS;
type Profiled = keyof (typeof PROFILES)['standalone'];
type Value<N extends Name> =
  | z.output<(typeof SETTINGS)[N]['schema']>
  | (N extends Profiled ? never : (typeof SETTINGS)[N]['default'] extends null ? null : never);
type Values = { readonly [N in Name]: Value<N> };

const NAMES = Object.keys(SETTINGS) as Name[];

export type Settings = ReturnType<typeof slices>;
export type IngestSettings = Settings['ingest'];

function slices(values: Values) {
  const layout = values.METERLINE_CLICKHOUSE_LAYOUT;
  return {
    backend: values.METERLINE_BACKEND,
    engines: {
      eventLog: values.METERLINE_EVENT_LOG,
      usageStore: values.METERLINE_USAGE_STORE,
      billingStore: values.METERLINE_BILLING_STORE,
      jobs: values.METERLINE_JOBS,
    },
    dataFolder: values.METERLINE_DATA,
    partitions: values.METERLINE_PARTITIONS,
    kafka: {
      brokers: values.METERLINE_KAFKA_BROKERS,
      topic: values.METERLINE_KAFKA_TOPIC,
      replication: values.METERLINE_KAFKA_REPLICATION,
      minInsyncReplicas: values.METERLINE_KAFKA_MIN_INSYNC_REPLICAS,
      tls: values.METERLINE_KAFKA_TLS === 'on',
      /** null = no login. */
      login:
        values.METERLINE_KAFKA_SASL === 'none'
          ? null
          : {
              mechanism: values.METERLINE_KAFKA_SASL,
              username: values.METERLINE_KAFKA_USER,
              password: values.METERLINE_KAFKA_PASSWORD,
            },
      tenantDefault: values.METERLINE_KAFKA_TENANT,
    },
    clickhouse: {
      urls: values.METERLINE_CLICKHOUSE_URL,
      username: values.METERLINE_CLICKHOUSE_USER,
      password: values.METERLINE_CLICKHOUSE_PASSWORD,
      database: values.METERLINE_CLICKHOUSE_DATABASE,
      /** The cluster of a replicated and sharded layout, or null for single tables. */
      cluster: layout === 'single' ? null : layout.slice('cluster:'.length),
    },
    postgres: { url: values.METERLINE_POSTGRES_URL, poolMax: values.METERLINE_POSTGRES_POOL_MAX },
    redis: { url: values.METERLINE_REDIS_URL, prefix: values.METERLINE_REDIS_PREFIX },
    adminKey: values.METERLINE_ADMIN_KEY,
    /** RFC 3339, or null for the system clock. */
    testClockStart: values.METERLINE_TEST_CLOCK,
    logLevel: values.METERLINE_LOG_LEVEL,
    webhookTargets: values.METERLINE_WEBHOOK_ALLOW,
    http: {
      host: values.METERLINE_HOST,
      port: values.METERLINE_PORT,
      corsOrigins: values.METERLINE_CORS_ORIGINS,
      connectionsMax: values.METERLINE_CONNECTIONS_MAX,
      bodyBytesMax: values.METERLINE_BODY_BYTES_MAX,
    },
    ingest: {
      acceptPastMs: values.METERLINE_ACCEPT_PAST_DAYS * 86_400_000,
      acceptFutureMs: values.METERLINE_ACCEPT_FUTURE_MINUTES * 60_000,
      requestBytesMax: values.METERLINE_INGEST_REQUEST_BYTES_MAX,
      eventBytesMax: values.METERLINE_INGEST_EVENT_BYTES_MAX,
      eventsMax: values.METERLINE_INGEST_EVENTS_MAX,
      inFlightBytesMax: values.METERLINE_INGEST_IN_FLIGHT_BYTES_MAX,
      inFlightRequestsMax: values.METERLINE_INGEST_IN_FLIGHT_REQUESTS_MAX,
      /** 0 = no limit, for these three. */
      tenantEventsPerSecond: values.METERLINE_INGEST_TENANT_EVENTS_PER_SECOND,
      tenantBytesPerSecond: values.METERLINE_INGEST_TENANT_BYTES_PER_SECOND,
      lagEventsMax: values.METERLINE_INGEST_LAG_EVENTS_MAX,
    },
  };
}

/** As written in the environment. */
export type SettingDefaults = { readonly [N in Name]?: string };
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads every setting from the environment, once. What is not set is as in `defaults` (of the service that asks), then as in the profile that
 * METERLINE_BACKEND names, then as documented. Fails with `config.invalid` naming every fault in plain words, without showing secrets.
 */
export function readSettings(env: Environment, defaults: SettingDefaults = {}): Settings {
  const given = (name: Name): string | undefined => env[name]?.trim() || defaults[name];
  const backend = given('METERLINE_BACKEND') === 'distributed' ? 'distributed' : 'standalone';
  const profile: SettingDefaults = PROFILES[backend];
  const values: Record<string, unknown> = {};
  const errors = NAMES.flatMap((name) => {
    const { schema, default: documented, secret }: Setting = SETTINGS[name];
    const raw = given(name) ?? profile[name] ?? documented;
    if (raw === null) {
      values[name] = null;
      return [];
    }
    const result = schema.safeParse(raw);
    values[name] = result.data;
    if (result.success) return [];
    const shown = secret ? '' : `, but is "${raw}"`;
    return [{ path: name, message: `${result.error.issues[0]?.message ?? 'is not valid'}${shown}` }];
  });
  if (errors.length > 0) {
    const list = errors.map(({ path, message }) => `\n  ${path} ${message}`).join('');
    throw new Fault('invalid', 'config.invalid', `The settings are not valid:${list}`, { errors });
  }
  // Every name was parsed with its own schema just above.
  return slices(values as Values);
}

/** Every setting with its default and meaning, group by group, as text for `--help`. */
export function settingsHelp(defaults: SettingDefaults = {}): string {
  const { standalone, distributed }: Readonly<Record<string, SettingDefaults>> = PROFILES;
  const shown = (name: Name): string => {
    const profiled = standalone?.[name] === undefined ? undefined : `${standalone[name]} / ${distributed?.[name] ?? ''}`;
    return defaults[name] ?? profiled ?? SETTINGS[name].default ?? '';
  };
  const nameWidth = Math.max(...NAMES.map((name) => name.length));
  const defaultWidth = Math.max(...NAMES.map((name) => shown(name).length));
  const line = (name: Name): string =>
    `${name.padEnd(nameWidth)}  ${shown(name).padEnd(defaultWidth)}  ${SETTINGS[name].meaning}`;
  const groups = Object.entries(GROUPS).map(([title, group]) => [title, ...(Object.keys(group) as Name[]).map(line)].join('\n'));
  return groups.join('\n\n');
}
