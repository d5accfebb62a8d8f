const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** How long to wait after the nth failed attempt; about 75 hours in all, as Standard Webhooks suggests. */
const DELAYS_MS = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
];
export const WEBHOOK_ATTEMPTS_MAX = DELAYS_MS.length + 1;
/** Delays vary by this share either way, so that what failed together does not return together. */
const JITTER = 0.1;
const RETRY_AFTER_MAX_MS = 24 * HOUR_MS;

export interface AttemptResult {
  readonly atMs: number;
  readonly durationMs: number;
  /** HTTP status, or null if there was no answer; then `error` says why. */
  readonly status: number | null;
  readonly error: string | null;
  /** How long the receiver asked us to stay away. */
  readonly retryAfterMs: number | null;
}

export type NextStep =
  | { readonly state: 'delivered' }
  | { readonly state: 'failed'; readonly disableEndpoint?: string }
  | { readonly state: 'pending'; readonly nextAttemptAtMs: number };

/**
 * What follows from the `attempt`th attempt (1 is the first) that ended at `nowMs`: 2xx delivers; 410 fails and disables the endpoint;
 * anything else, redirects included, is tried again until the attempts are used up, never sooner than the receiver asked.
 */
export function nextStep(result: AttemptResult, attempt: number, nowMs: number, random: () => number): NextStep {
  const { status } = result;
  if (status !== null && status >= 200 && status < 300) return { state: 'delivered' };
  if (status === 410) return { state: 'failed', disableEndpoint: 'the receiver answered 410 Gone' };
  const delayMs = DELAYS_MS[attempt - 1];
  if (delayMs === undefined) return { state: 'failed' };
  const jitteredMs = delayMs * (1 - JITTER + 2 * JITTER * random());
  const askedMs = Math.min(result.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
  return { state: 'pending', nextAttemptAtMs: nowMs + Math.round(Math.max(jitteredMs, askedMs)) };
}

/** A `Retry-After` header (seconds or an HTTP date) as a wait in milliseconds; null if absent or unreadable. */
export function retryAfterMs(header: string | undefined, wallNowMs: number): number | null {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * SECOND_MS;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - wallNowMs);
}
