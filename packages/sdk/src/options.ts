import { MeterlineError } from './meterline-error.ts';

/**
 * Why events were lost: `queue_full` (the newest do not fit; told once per burst, with the first id), `refused` and `too_large` (by
 * the server), `expired` (tried for `retryForMs`), `closed` (not sent when `close` ran out of time, or tracked after it), `invalid`.
 */
export type DropReason = 'queue_full' | 'refused' | 'too_large' | 'expired' | 'closed' | 'invalid';

/** What a check says while the server cannot be asked. */
export type WhenUnavailable = 'allow' | 'deny';

export interface Drop {
  readonly reason: DropReason;
  readonly ids: readonly string[];
}

export interface MeterlineOptions {
  /** Where Meterline listens: `https://usage.example.com`. */
  readonly url: string;
  /** Key with the scope `ingest`, and `read` for checks; as a function it is asked before every request, so that a key can be rotated. */
  readonly apiKey: string | (() => string);
  /** CloudEvents `source` of events that name none. An event is known by its source and id together. Default `sdk`. */
  readonly source?: string;
  /** Longest time an event waits for its batch to fill. Default 1,000. */
  readonly flushIntervalMs?: number;
  readonly batchEventsMax?: number;
  /** Size of a request's body; an event that is larger travels alone. Default 1,000,000. */
  readonly batchBytesMax?: number;
  /** Events held in memory, those being sent included. Default 100,000. */
  readonly queueEventsMax?: number;
  /** Size of the events held in memory, as JSON. Default 64,000,000. */
  readonly queueBytesMax?: number;
  /** How long a batch is tried again after its first attempt. Default one hour. */
  readonly retryForMs?: number;
  /** Bounds of the exponential backoff. The nth retry waits a random time up to `min * 2^n`, at most `max`. Default 500 and 60,000. */
  readonly backoffMinMs?: number;
  readonly backoffMaxMs?: number;
  readonly requestTimeoutMs?: number;
  /** How long an answer of `checkEntitlement` is used again. Default 5,000. */
  readonly entitlementCacheMs?: number;
  /** How long `checkEntitlement` waits for the server. Default 1,000. */
  readonly entitlementTimeoutMs?: number;
  /** What `checkEntitlement` says while the server cannot be asked. Default `allow`: an outage of metering must not stop what it meters. */
  readonly whenUnavailable?: WhenUnavailable;
  /** Requests at a time. Default 2. */
  readonly concurrency?: number;
  /** Told of every failure, also of those that are tried again. Default: `console.warn`. */
  readonly onError?: (error: MeterlineError) => void;
  /** Told of every loss. Default: `console.warn`. */
  readonly onDrop?: (drop: Drop) => void;
  readonly fetch?: typeof fetch;
  /** In [0, 1), for jitter. */
  readonly random?: () => number;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

export type Settings = Required<Omit<MeterlineOptions, 'apiKey'>> & { readonly apiKey: () => string; readonly endpoint: string };

/** Fills in the defaults. Throws MeterlineError `option_invalid` naming the option and the rule. */
export function settingsOf(options: MeterlineOptions): Settings {
  const { apiKey } = options;
  if (typeof apiKey !== 'function' && (typeof apiKey !== 'string' || apiKey === ''))
    throw invalid('apiKey must be a key or a function');
  const settings: Settings = {
    url: baseOf(options.url),
    endpoint: `${baseOf(options.url)}/v1/events`,
    apiKey: typeof apiKey === 'function' ? apiKey : () => apiKey,
    source: options.source ?? 'sdk',
    flushIntervalMs: options.flushIntervalMs ?? 1_000,
    batchEventsMax: options.batchEventsMax ?? 500,
    batchBytesMax: options.batchBytesMax ?? 1_000_000,
    queueEventsMax: options.queueEventsMax ?? 100_000,
    queueBytesMax: options.queueBytesMax ?? 64_000_000,
    retryForMs: options.retryForMs ?? 3_600_000,
    backoffMinMs: options.backoffMinMs ?? 500,
    backoffMaxMs: options.backoffMaxMs ?? 60_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
    entitlementCacheMs: options.entitlementCacheMs ?? 5_000,
    entitlementTimeoutMs: options.entitlementTimeoutMs ?? 1_000,
    whenUnavailable: options.whenUnavailable ?? 'allow',
    concurrency: options.concurrency ?? 2,
    onError: options.onError ?? ((error) => console.warn(`meterline: ${error.code}: ${error.message}`)),
    onDrop:
      options.onDrop ?? ((drop) => console.warn(`meterline: usage lost (${drop.reason}), from event ${drop.ids[0] ?? '?'} on`)),
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    random: options.random ?? Math.random,
    now: options.now ?? Date.now,
  };
  for (const name of [
    'batchEventsMax',
    'batchBytesMax',
    'queueEventsMax',
    'queueBytesMax',
    'requestTimeoutMs',
    'entitlementTimeoutMs',
    'concurrency',
  ] as const) {
    if (!Number.isInteger(settings[name]) || settings[name] < 1) throw invalid(`${name} must be a whole number from 1 on`);
  }
  for (const name of ['flushIntervalMs', 'retryForMs', 'backoffMinMs', 'backoffMaxMs', 'entitlementCacheMs'] as const) {
    if (!(settings[name] >= 0)) throw invalid(`${name} must be a number of milliseconds from 0 on`);
  }
  if (settings.whenUnavailable !== 'allow' && settings.whenUnavailable !== 'deny')
    throw invalid('whenUnavailable must be allow or deny');
  return settings;
}

function baseOf(url: string): string {
  if (typeof url !== 'string' || !/^https?:\/\/[^/]/.test(url)) throw invalid('url must start with http:// or https://');
  return url.replace(/\/+$/, '');
}

function invalid(message: string): MeterlineError {
  return new MeterlineError('option_invalid', message);
}
