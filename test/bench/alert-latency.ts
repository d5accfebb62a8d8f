import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { ApiClient } from './setup.ts';

export interface LatencyResult {
  readonly alerts: number;
  readonly expected: number;
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const CUSTOMERS = 100;
const REQUESTS_PER_SECOND = 20;
/** Levels of each customer's own rule, shifted from customer to customer so that alerts spread over the whole run. */
const LEVELS = [60, 160, 260, 360];
const levelsOf = (customer: number): number[] => LEVELS.map((level) => level + ((customer * 37) % 100) - 50);

/**
 * Sends a steady stream, one unit of money an event, for customers that each have an alert rule with four levels; the time from handing the event
 * that reaches a level to the HTTP client until the webhook arrives, over all alerts.
 */
export async function alertLatency(
  api: ApiClient,
  url: string,
  key: string,
  options: { eventsPerSecond: number; seconds: number },
): Promise<LatencyResult> {
  const arrivedMs = new Map<string, number>();
  const receiver = createServer((request, answer) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data: { customer: string; thresholdAmount: string } };
        const level = `${data.customer} ${Number.parseInt(data.thresholdAmount, 10)}`;
        if (!arrivedMs.has(level)) arrivedMs.set(level, performance.now());
        answer.writeHead(204).end();
      });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  await api.post('/v1/webhook-endpoints', { url: `http://127.0.0.1:${port}/`, events: ['alert.triggered'] });
  await prepare(api);

  const perRequest = options.eventsPerSecond / REQUESTS_PER_SECOND;
  const requests = options.seconds * REQUESTS_PER_SECOND;
  const sent = new Map<string, number>();
  const counts = new Array<number>(CUSTOMERS).fill(0);
  const calls: Promise<unknown>[] = [];
  const beganMs = performance.now();
  for (let n = 0; n < requests; n += 1) {
    const lines: string[] = [];
    const nowMs = performance.now();
    for (let event = 0; event < perRequest; event += 1) {
      const customer = (n * perRequest + event) % CUSTOMERS;
      const count = (counts[customer] ?? 0) + 1;
      counts[customer] = count;
      if (levelsOf(customer).includes(count)) sent.set(`l${customer} ${count}`, nowMs);
      lines.push(
        `{"specversion":"1.0","id":"latency-${n}-${event}","source":"/bench","type":"session.unit","subject":"latency-${customer}","data":{"n":1}}`,
      );
    }
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' };
    calls.push(
      fetch(new URL('/v1/events', url), { method: 'POST', headers, body: lines.join('\n') }).then((answer) => answer.text()),
    );
    const dueMs = beganMs + ((n + 1) * 1000) / REQUESTS_PER_SECOND;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
  }
  await Promise.all(calls);
  const ratePerSecond = (requests * perRequest * 1000) / (performance.now() - beganMs);
  for (let wait = 0; wait < 100 && arrivedMs.size < sent.size; wait += 1)
    await new Promise((resolve) => setTimeout(resolve, 100));
  receiver.close();
  const latencies = [...sent]
    .flatMap(([level, sentMs]) => (arrivedMs.has(level) ? [(arrivedMs.get(level) ?? 0) - sentMs] : []))
    .sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
  return {
    alerts: latencies.length,
    expected: sent.size,
    eventsPerSecond: ratePerSecond,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}

/** Customers whose every event costs 1, each with levels of its own. */
async function prepare(api: ApiClient): Promise<void> {
  await api.post('/v1/meters', { key: 'units', eventType: 'session.unit', aggregation: 'count' });
  const rateCards = [{ key: 'units', name: 'Units', meter: 'units', price: { model: 'per_unit', unitAmount: '1' } }];
  await api.post('/v1/plans', {
    key: 'latency',
    name: 'Latency',
    currency: 'USD',
    billingPeriod: { every: 'month', anchor: 'calendar' },
    rateCards,
  });
  const startsAt = new Date(Date.now() - 86_400_000).toISOString();
  for (let n = 0; n < CUSTOMERS; n += 1) {
    await api.post('/v1/customers', { key: `l${n}`, name: `Latency ${n}`, currency: 'USD', subjects: [`latency-${n}`] });
    await api.post('/v1/subscriptions', { customer: `l${n}`, plan: 'latency', startsAt });
    await api.post('/v1/alert-rules', { key: `l${n}`, customer: `l${n}`, thresholds: levelsOf(n).map((level) => `${level}.00`) });
  }
}
