import { Agent, errors, request } from 'undici';
import { type AttemptResult, retryAfterMs } from './retry.ts';
import { signatureHeaders } from './signature.ts';
import { guardedLookup, type ResolveAll, TargetRefusedError, webhookTarget, type WebhookTargetPolicy } from './target.ts';

export interface OutgoingWebhook {
  readonly messageId: string;
  readonly url: string;
  readonly payload: string;
  /** Newest first. */
  readonly secrets: readonly string[];
}

/** Makes one attempt. Whatever the receiver does is a result; rejects only if `signal` aborts. */
export type SendWebhook = (webhook: OutgoingWebhook, signal: AbortSignal) => Promise<Omit<AttemptResult, 'atMs'>>;

const BODY_BYTES_MAX = 64 * 1024;
/** The status decides; the body is only read to end the exchange politely. */
const BODY_WAIT_MS = 1000;

/**
 * The HTTP client for webhooks: one signed POST on a connection of its own, so that every attempt is judged by the guard when it dials;
 * redirects are not followed. The signature carries the time of the machine, not the Clock's: receivers compare it with theirs.
 */
export function createWebhookSender(options: {
  policy: WebhookTargetPolicy;
  timeoutMs?: number;
  resolve?: ResolveAll;
  wallNowMs?: () => number;
}): { send: SendWebhook; close(): Promise<void> } {
  const { policy, timeoutMs = 15_000, wallNowMs = Date.now } = options;
  const agent = new Agent({ connect: { lookup: guardedLookup(policy, options.resolve), timeout: timeoutMs }, pipelining: 0 });

  async function post(webhook: OutgoingWebhook, signal: AbortSignal): Promise<{ status: number; retryAfterMs: number | null }> {
    // A literal address is never looked up, so it is judged here.
    const url = webhookTarget(webhook.url, policy);
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Meterline-Webhooks/1',
        ...signatureHeaders(webhook.messageId, webhook.payload, webhook.secrets, wallNowMs()),
      },
      body: webhook.payload,
      signal,
    });
    // Its end, failure or excess changes nothing about the answer; dump closes the connection in each case.
    await body
      .dump({ limit: BODY_BYTES_MAX, signal: AbortSignal.any([signal, AbortSignal.timeout(BODY_WAIT_MS)]) })
      .catch(() => undefined);
    const retryAfter = headers['retry-after'];
    return {
      status: statusCode,
      retryAfterMs: retryAfterMs(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, wallNowMs()),
    };
  }

  return {
    async send(webhook, signal) {
      const startedMs = performance.now();
      const timeout = AbortSignal.timeout(timeoutMs);
      const elapsedMs = (): number => Math.round(performance.now() - startedMs);
      try {
        const answer = await post(webhook, AbortSignal.any([signal, timeout]));
        return { ...answer, error: null, durationMs: elapsedMs() };
      } catch (error) {
        signal.throwIfAborted();
        const reason = timeout.aborted ? `webhook.timeout: no answer within ${timeoutMs / 1000} s` : explain(error);
        return { status: null, retryAfterMs: null, error: reason, durationMs: elapsedMs() };
      }
    },
    close: () => agent.destroy(),
  };
}

/** Shown to the tenant: our code, and what happened in general terms. */
function explain(error: unknown): string {
  if (error instanceof TargetRefusedError) return `${error.code}: ${error.message}`;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (error instanceof errors.ConnectTimeoutError) return 'webhook.timeout: no connection';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `webhook.host_not_found: ${code}`;
  return `webhook.connection_failed: ${code ?? (error instanceof Error ? error.message : String(error))}`;
}
