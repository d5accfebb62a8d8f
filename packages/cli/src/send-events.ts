import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import { ApiError, CliError, type FieldFault } from './errors.ts';

export interface Rejected {
  /** Position in the batch. */
  readonly index: number;
  readonly code: string;
  readonly message: string;
}

export interface SendResult {
  readonly accepted: number;
  readonly rejected: readonly Rejected[];
}

const ATTEMPTS_MAX = 8;
const BACKOFF_MIN_MS = 250;
const BACKOFF_MS_MAX = 10_000;

/**
 * Stores a batch of events given as lines of JSON. Whatever passes by itself (no answer, overload) is tried again for about half a
 * minute; events keep their ids, so nothing counts twice. Fails as the last attempt did.
 */
export async function sendEvents(client: Client, lines: readonly string[]): Promise<SendResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await client.post('/v1/events', lines.join('\n'), 'application/x-ndjson')) as SendResult;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'request.no_valid_event')
        return { accepted: 0, rejected: rejectedIn(error.errors) };
      if (attempt === ATTEMPTS_MAX || !mayPass(error)) throw error;
      const backoffMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MIN_MS * 2 ** (attempt - 1));
      await sleep(Math.max(backoffMs, (error instanceof ApiError && error.retryAfterMs) || 0));
    }
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof ApiError) return error.status === 429 || error.status >= 500;
  return error instanceof CliError && error.code === 'server.unreachable';
}

/** One entry an event, of all that is wrong with it. */
function rejectedIn(errors: readonly (FieldFault & { readonly code?: string })[]): Rejected[] {
  const byIndex = Map.groupBy(errors, ({ index }) => index ?? 0);
  return [...byIndex].map(([index, faults]) => ({
    index,
    code: faults[0]?.code ?? 'event.invalid',
    message: faults.map(({ message }) => message).join('; '),
  }));
}
