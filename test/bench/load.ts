import { Agent, request } from 'node:http';
import { eventBatch, type EventBatch } from './events.ts';
import { createPace } from './pace.ts';

/** What the parent asks for; answered by `LoadResult` when every event was acknowledged. */
export interface LoadOrder {
  readonly url: string;
  readonly key: string;
  readonly run: string;
  readonly first: number;
  readonly events: number;
  readonly batch: number;
  readonly connections: number;
  /** Stay at most this far ahead of what the parent says is committed: a sustained load keeps pace with what becomes usage. */
  readonly aheadMax?: number;
}

/** How many of the order's events are usage by now. */
export interface LoadPace {
  readonly committed: number;
}

export interface LoadProgress {
  readonly acknowledged: number;
}

export interface LoadResult {
  readonly acknowledged: number;
  readonly refused: number;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly requestMs: { readonly p50: number; readonly p99: number };
}

/** Prepared batches of a connection. */
const BATCHES = 16;
const REPORT_EVERY_MS = 250;

/** Sends events over a few connections, each with one request under way; 429 and 503 are tried again after Retry-After. */
async function load(order: LoadOrder): Promise<LoadResult> {
  const pace = createPace();
  process.on('message', ({ committed }: LoadPace) => pace.tell(committed, performance.now()));
  const agent = new Agent({ keepAlive: true, maxSockets: order.connections });
  const endpoint = new URL('/v1/events', order.url);
  const headers = { authorization: `Bearer ${order.key}`, 'content-type': 'application/cloudevents-batch+json' };
  const latencies: number[] = [];
  let next = order.first;
  let acknowledged = 0;
  let refused = 0;
  const last = order.first + order.events;
  // each connection has batches of its own, since one that is being sent must not change
  const prepared = Array.from({ length: order.connections }, (_, connectionNumber) =>
    Array.from({ length: BATCHES }, (__, seed) =>
      eventBatch(order.batch, connectionNumber * BATCHES + seed, Date.now(), order.run),
    ),
  );
  const startedMs = Date.now();
  const report = setInterval(() => process.send?.({ acknowledged } satisfies LoadProgress), REPORT_EVERY_MS);

  function post(body: Buffer): Promise<{ status: number; retryAfterMs: number }> {
    return new Promise((resolve, reject) => {
      const call = request(
        endpoint,
        { agent, method: 'POST', headers: { ...headers, 'content-length': body.length } },
        (answer) => {
          answer
            .resume()
            .once('end', () =>
              resolve({ status: answer.statusCode ?? 0, retryAfterMs: Number(answer.headers['retry-after'] ?? 1) * 1000 }),
            );
        },
      );
      call.once('error', reject).end(body);
    });
  }

  async function connection(batches: readonly EventBatch[]): Promise<void> {
    while (next < last) {
      if (order.aheadMax !== undefined && next - order.first - pace.committed(performance.now()) > order.aheadMax) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      const from = next;
      const count = Math.min(order.batch, last - from);
      next += count;
      const batch = batches[(from / order.batch) % BATCHES];
      if (batch === undefined) throw new Error('events must be whole batches');
      batch.renumber(from);
      for (;;) {
        const sentMs = performance.now();
        const { status, retryAfterMs } = await post(batch.body);
        latencies.push(performance.now() - sentMs);
        if (status === 202) break;
        if (status !== 429 && status !== 503) throw new Error(`the server answered ${status}`);
        refused += 1;
        await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
      }
      acknowledged += count;
    }
  }

  await Promise.all(prepared.map(connection));
  clearInterval(report);
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return { acknowledged, refused, startedMs, endedMs: Date.now(), requestMs: { p50: at(0.5), p99: at(0.99) } };
}

process.once('message', (order: LoadOrder) => {
  void load(order).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
