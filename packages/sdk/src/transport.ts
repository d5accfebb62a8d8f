import { MeterlineError } from './meterline-error.ts';
import type { Rejection } from './meterline-error.ts';
import type { Settings } from './options.ts';
import type { Timers } from './timers.ts';

/** Browsers refuse requests that outlive their page beyond 64 KiB in all; some is left for others. */
const KEEPALIVE_BYTES_MAX = 60_000;

/** An event fixed when it was enqueued: every attempt sends the same characters. */
export interface QueuedEvent {
  /** Position in the order of enqueueing. */
  readonly sequence: number;
  readonly id: string;
  readonly json: string;
  readonly bytes: number;
}

/** What one request came to. */
export type Outcome =
  | { readonly kind: 'settled'; readonly rejections: readonly Rejection[] }
  | { readonly kind: 'retry'; readonly error: MeterlineError; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'split'; readonly error: MeterlineError }
  | { readonly kind: 'refused'; readonly error: MeterlineError };

export interface Transport {
  /** One attempt. Never rejects: a request that `stop` aborts is one that got no answer. */
  send(batch: readonly QueuedEvent[], stop: AbortSignal): Promise<Outcome>;
  /** Bytes that may still be sent by requests that outlive the page. */
  keepaliveBytesLeft(): number;
}

export function createTransport(settings: Settings, timers: Timers): Transport {
  let keepaliveBytes = 0;

  async function send(batch: readonly QueuedEvent[], stop: AbortSignal): Promise<Outcome> {
    const bytes = batch.reduce((sum, event) => sum + event.bytes + 1, 1);
    const keepalive = keepaliveBytes + bytes <= KEEPALIVE_BYTES_MAX;
    if (keepalive) keepaliveBytes += bytes;
    const abort = new AbortController();
    const onStop = (): void => abort.abort();
    stop.addEventListener('abort', onStop);
    const timedOut = timers.sleep(settings.requestTimeoutMs, abort.signal).then(() => {
      return retry(new MeterlineError('unavailable', `no answer within ${settings.requestTimeoutMs} ms`));
    });
    try {
      // Not left to the signal alone: a fetch that ignores it must not hold its batch for ever.
      return await Promise.race([request(batch, keepalive, abort.signal), timedOut]);
    } catch (error) {
      return retry(new MeterlineError('unavailable', `no connection: ${messageOf(error)}`, { cause: error }));
    } finally {
      stop.removeEventListener('abort', onStop);
      abort.abort();
      if (keepalive) keepaliveBytes -= bytes;
    }
  }

  async function request(batch: readonly QueuedEvent[], keepalive: boolean, signal: AbortSignal): Promise<Outcome> {
    const response = await settings.fetch(settings.endpoint, {
      method: 'POST',
      headers: { authorization: `Bearer ${settings.apiKey()}`, 'content-type': 'application/cloudevents-batch+json' },
      body: `[${batch.map((event) => event.json).join(',')}]`,
      signal,
      keepalive,
    });
    // Read in any case, so that the connection can be used again.
    const text = await response.text();
    return outcomeOf(response.status, text, response.headers.get('retry-after'), batch, settings.now());
  }

  return { send, keepaliveBytesLeft: () => KEEPALIVE_BYTES_MAX - keepaliveBytes };
}

function outcomeOf(
  status: number,
  text: string,
  retryAfter: string | null,
  batch: readonly QueuedEvent[],
  nowMs: number,
): Outcome {
  const answer = parseJson(text);
  const rejections = rejectionsOf(answer, batch);
  if (rejections !== undefined && (status < 300 || status === 400)) return { kind: 'settled', rejections };
  const failure = (code: MeterlineError['code']): MeterlineError =>
    new MeterlineError(code, `the server answered ${status}${reasonOf(answer)}`, { status });
  if (status === 413) return { kind: 'split', error: failure('event_too_large') };
  if (status === 401 || status === 403) return retry(failure('unauthorized'), retryAfterMs(retryAfter, nowMs));
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    return retry(failure('unavailable'), retryAfterMs(retryAfter, nowMs));
  // Success that does not say what became of the events (a proxy, a captive portal) is none. The ids make repeating safe.
  if (status < 400) return retry(failure('answer_invalid'));
  return { kind: 'refused', error: failure('batch_refused') };
}

function retry(error: MeterlineError, afterMs?: number): Outcome {
  return { kind: 'retry', error, retryAfterMs: afterMs };
}

/** Milliseconds that `Retry-After` (seconds or an HTTP date) asks to wait. */
function retryAfterMs(value: string | null, nowMs: number): number | undefined {
  if (value === null || value.trim() === '') return undefined;
  const ms = /^\s*[0-9]+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/**
 * The refused events of `{accepted, rejected: [{index, code, message}]}`, or all of them where none was good, which is a problem with
 * `errors: [{index, code, message}]`, several for one event. Undefined if the answer is of neither shape.
 */
function rejectionsOf(answer: unknown, batch: readonly QueuedEvent[]): Rejection[] | undefined {
  if (!isRecord(answer)) return undefined;
  const isNoneGood = answer['code'] === 'request.no_valid_event';
  const items = isNoneGood ? answer['errors'] : answer['rejected'];
  if (!Array.isArray(items) || (!isNoneGood && typeof answer['accepted'] !== 'number')) return undefined;
  const rejections = new Map<number, Rejection>();
  for (const item of items as unknown[]) {
    if (!isRecord(item) || typeof item['index'] !== 'number') return undefined;
    const event = batch[item['index']];
    if (event === undefined) return undefined;
    if (rejections.has(item['index'])) continue;
    rejections.set(item['index'], { id: event.id, code: String(item['code']), message: String(item['message']) });
  }
  return isNoneGood && rejections.size < batch.length ? undefined : [...rejections.values()];
}

/** Problem details say in `code` and `detail` what is wrong. */
function reasonOf(answer: unknown): string {
  if (!isRecord(answer)) return '';
  const parts = [answer['code'], answer['detail'] ?? answer['title']].filter((part) => typeof part === 'string');
  return parts.length === 0 ? '' : `: ${parts.join(': ')}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // An answer that is not JSON is told apart by its status alone.
    return undefined;
  }
}

function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return error instanceof Error ? `${error.message}${cause}` : String(error);
}
