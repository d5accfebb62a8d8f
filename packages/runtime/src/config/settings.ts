import { Fault } from '@meterline/domain/faults';
import { z } from 'zod';
import { parseApiKey } from '../keys/index.ts';
import { LOG_LEVELS } from '../logging/index.ts';

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `must be one of ${values.join(', ')}`);

const instant = z.iso.datetime({ offset: true, error: 'must be an instant like 2023-11-16T19:15:00Z' });

const origins = z
  .string()
  .transform((text) => text.split(',').flatMap((origin) => origin.trim() || []))
  .refine(
    (list) => list.every((origin) => /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin),
    'must be origins like https://app.example.com (no path), separated by commas',
  );

const apiKey = z
  .string()
  .refine((text) => parseApiKey(text) !== undefined, 'must look like mk_live_<id>_<secret>, or be 16 to 256 visible characters');

interface Setting<T extends z.ZodType = z.ZodType> {
  readonly schema: T;
  /** As written in the environment; null = unset, which means null. */
  readonly default: string | null;
  readonly meaning: string;
  readonly secret?: boolean;
}

const setting = <T extends z.ZodType, D extends string | null>(def: D, meaning: string, schema: T, secret = false) => ({
  schema,
  default: def,
  meaning,
  secret,
});

const SETTINGS = {
  METERLINE_PORT: setting('8080', 'Port to listen on; 0 takes any free one', whole(0, 65_535)),
  METERLINE_HOST: setting('127.0.0.1', 'Address to listen on; 0.0.0.0 is every network', z.string()),
  METERLINE_DATA: setting('./data', 'Folder of everything that is stored (standalone)', z.string()),
  METERLINE_BACKEND: setting('standalone', 'standalone; distributed is not available yet', oneOf(['standalone', 'distributed'])),
  METERLINE_ADMIN_KEY: setting(null, 'Admin API key of the first tenant; unset makes one at the first start', apiKey, true),
  METERLINE_TEST_CLOCK: setting(null, 'Start of a test clock that can be moved forward; never for real billing', instant),
  METERLINE_PARTITIONS: setting('1', 'Partitions of the event log; fixed when it is created', whole(1, 1024)),
  METERLINE_LOG_LEVEL: setting('info', `One of ${LOG_LEVELS.join(', ')}`, oneOf(LOG_LEVELS)),
  METERLINE_ACCEPT_PAST_DAYS: setting('35', 'How old the time of an event may be', whole(1, 35)),
  METERLINE_ACCEPT_FUTURE_MINUTES: setting('5', 'How far ahead the time of an event may be', whole(0, 1440)),
  METERLINE_WEBHOOK_ALLOW: setting(
    'public',
    'Where webhooks may go: public, loopback (also this machine, for trying it out) or private (also private networks)',
    oneOf(['public', 'loopback', 'private']),
  ),
  METERLINE_CORS_ORIGINS: setting('', 'Origins whose web pages may send events, separated by commas; none unless set', origins),
  METERLINE_CONNECTIONS_MAX: setting('10000', 'Open HTTP connections at a time', whole(1, 1_000_000)),
  METERLINE_BODY_BYTES_MAX: setting('1000000', 'Largest request body outside event ingestion', whole(1_000, 100_000_000)),
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

type Name = keyof typeof SETTINGS;
type Value<N extends Name> =
  z.output<(typeof SETTINGS)[N]['schema']> | ((typeof SETTINGS)[N]['default'] extends null ? null : never);
type Values = { readonly [N in Name]: Value<N> };

const NAMES = Object.keys(SETTINGS) as Name[];

export type Settings = ReturnType<typeof slices>;
export type IngestSettings = Settings['ingest'];

function slices(values: Values) {
  return {
    backend: values.METERLINE_BACKEND,
    dataFolder: values.METERLINE_DATA,
    partitions: values.METERLINE_PARTITIONS,
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

/** Reads every setting from the environment, once. Fails with `config.invalid` naming every fault in plain words. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const values: Record<string, unknown> = {};
  const errors = NAMES.flatMap((name) => {
    const { schema, default: fallback, secret } = SETTINGS[name];
    const raw = env[name]?.trim() || fallback;
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

/** Every setting with its default and meaning, as text for `--help`. */
export function settingsHelp(): string {
  const nameWidth = Math.max(...NAMES.map((name) => name.length));
  const defaultWidth = Math.max(...NAMES.map((name) => (SETTINGS[name].default ?? '').length));
  return NAMES.map(
    (name) => `${name.padEnd(nameWidth)}  ${(SETTINGS[name].default ?? '').padEnd(defaultWidth)}  ${SETTINGS[name].meaning}`,
  ).join('\n');
}
