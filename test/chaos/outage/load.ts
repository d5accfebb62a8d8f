import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN_KEY } from '../server-process.ts';

/** How one request with events was answered; status 0: not at all. Times by `performance.now()`. */
export interface Answer {
  readonly sentMs: number;
  readonly answeredMs: number;
  readonly status: number;
  /** Of the problem, when it was refused. */
  readonly code: string;
  readonly retryAfterSeconds: number | null;
}

export interface LoadOptions {
  readonly url: string;
  readonly requestsPerSecond: number;
  readonly eventsPerRequest: number;
  /** Of each event, beyond its attributes; does not compress. */
  readonly payloadBytes: number;
}

export interface Load {
  readonly answers: readonly Answer[];
  /** Sends no new events, and the refused ones until the last is acknowledged. Resolves with the number of events, all acknowledged. */
  drain(): Promise<number>;
}

const ANSWER_MS_MAX = 30_000;
const DRAIN_MS_MAX = 120_000;
const DRAINED_AT_A_TIME = 5;
/** Without an answer it is not known when to come back. */
const RETRY_MS = 1_000;

/**
 * Sends requests at a steady pace whatever becomes of the ones before, as many senders do that know nothing of each other. What is refused is sent
 * again with the same bytes, no sooner than the answer said, at most one such request beside each new one.
 */
export function startLoad(options: LoadOptions): Load {
  const { url, requestsPerSecond, eventsPerRequest, payloadBytes } = options;
  const text = randomBytes(2 * payloadBytes).toString('base64');
  const time = new Date(Date.now() - 60_000).toISOString();
  const answers: Answer[] = [];
  const refused: { readonly request: number; readonly notBeforeMs: number }[] = [];
  const stopping = new AbortController();
  let requests = 0;
  let acknowledged = 0;

  function bodyOf(request: number): string {
    const events = Array.from({ length: eventsPerRequest }, (_, at) => ({
      id: `${request}-${at}`,
      source: 'outage',
      type: 'call',
      subject: `subject-${at % 20}`,
      time,
      data: { text: text.slice((request * 31 + at) % payloadBytes).slice(0, payloadBytes) },
    }));
    return JSON.stringify(events);
  }

  async function send(request: number): Promise<void> {
    const sentMs = performance.now();
    const { status, code, retryAfterSeconds } = await post(url, bodyOf(request));
    const answeredMs = performance.now();
    answers.push({ sentMs, answeredMs, status, code, retryAfterSeconds });
    if (status === 202) acknowledged += 1;
    else refused.push({ request, notBeforeMs: answeredMs + (retryAfterSeconds === null ? RETRY_MS : retryAfterSeconds * 1000) });
  }

  function sendRefused(): void {
    const [next] = refused;
    if (next === undefined || performance.now() < next.notBeforeMs) return;
    refused.shift();
    void send(next.request);
  }

  async function run(): Promise<void> {
    const startedMs = performance.now();
    while (!stopping.signal.aborted) {
      const due = ((performance.now() - startedMs) * requestsPerSecond) / 1000;
      while (requests < due) {
        void send((requests += 1));
        sendRefused();
      }
      await sleep(1000 / requestsPerSecond);
    }
  }
  const running = run();

  return {
    answers,
    async drain() {
      stopping.abort();
      await running;
      const giveUpMs = performance.now() + DRAIN_MS_MAX;
      while (acknowledged < requests) {
        if (performance.now() > giveUpMs)
          throw new Error(`${requests - acknowledged} requests were not acknowledged in ${DRAIN_MS_MAX} ms`);
        for (let sent = 0; sent < DRAINED_AT_A_TIME; sent += 1) sendRefused();
        await sleep(1000 / requestsPerSecond);
      }
      return requests * eventsPerRequest;
    },
  };
}

async function post(url: string, body: string): Promise<Pick<Answer, 'status' | 'code' | 'retryAfterSeconds'>> {
  try {
    const response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/cloudevents-batch+json' },
      body,
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const answer = (await response.json()) as { code?: string; rejected?: readonly unknown[] };
    const retryAfter = response.headers.get('retry-after');
    const code = answer.code ?? (answer.rejected?.length === 0 ? '' : 'events were rejected');
    return { status: response.status, code, retryAfterSeconds: retryAfter === null ? null : Number(retryAfter) };
  } catch (error) {
    return { status: 0, code: error instanceof Error ? error.message : String(error), retryAfterSeconds: null };
  }
}
