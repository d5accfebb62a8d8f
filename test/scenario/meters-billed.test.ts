import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, type Client } from '../chaos/client.ts';
import { freePort, startServer, type RunningServer } from '../chaos/server-process.ts';

const PARTITIONS = 3;
const WEEK = { from: '2026-03-08T16:00:00Z', to: '2026-03-15T16:00:00Z' }; // Monday 9 March to Monday 16 March in Shanghai

let folder: string;
let server: RunningServer;
let client: Client;
let sent = 0;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'meterline-meters-'));
  const port = await freePort();
  server = startServer({ folder, port, partitions: PARTITIONS }, Date.parse('2026-03-09T00:00:00Z'));
  await server.ready();
  client = createClient(`http://127.0.0.1:${port}`);
}, 120_000);
afterAll(async () => {
  await server.kill();
  await rm(folder, { recursive: true, force: true });
});

/** Sends events and waits until all that was ever sent is usage. */
async function send(
  type: string,
  events: readonly { subject: string; time: string; data: Record<string, string> }[],
): Promise<void> {
  const batch = events.map((event) => ({ id: `e${(sent += 1)}`, source: 'test', type, ...event }));
  expect(await client.post('/v1/events', batch)).toMatchObject({ rejected: [] });
  const counted = async () => {
    const { asOf } = await client.get<{ asOf: { cut: number[] } }>('/v1/meters/peak_calls/usage');
    return asOf.cut.reduce((sum, offset) => sum + offset, 0);
  };
  await expect.poll(counted, { timeout: 30_000 }).toBe(sent);
}

async function spend(): Promise<Record<string, string>> {
  const { lines, total } = await client.get<{ lines: { key: string; amount: string }[]; total: string }>(
    '/v1/customers/acme/spend',
  );
  return { ...Object.fromEntries(lines.map(({ key, amount }) => [key, amount])), total };
}

async function invoiceAt(now: string): Promise<InvoiceDocument> {
  await client.post('/v1/clock', { now });
  const run = await client.post<{ id: string }>('/v1/invoice-runs', { at: now });
  await expect.poll(async () => (await client.get<{ state: string }>(`/v1/invoice-runs/${run.id}`)).state, { timeout: 60_000 }).toBe('complete'); // prettier-ignore
  const invoices = await client.all<{ id: string; number: string }>('/v1/invoices');
  const newest = invoices.toSorted((a, b) => (a.number < b.number ? 1 : -1))[0];
  return client.get(`/v1/invoices/${newest?.id}`);
}

const perUnit = (meter: string, unitAmount: string) => ({
  key: meter,
  name: meter,
  meter,
  price: { model: 'per_unit', unitAmount },
});
const session = { id: '$.call', phase: '$.what', maxSeconds: 86_400 };

test('bandwidth at the 95th percentile, peak daily users, concurrent calls and storage are billed by the week, live and on invoices', async () => {
  const calls = { eventType: 'call', aggregation: 'peak_concurrency', session };
  for (const meter of [
    {
      key: 'bandwidth',
      eventType: 'traffic',
      aggregation: 'sum',
      valueProperty: '$.mb',
      fold: { window: '5_minutes', take: 'percentile', percentile: '95' },
    },
    {
      key: 'peak_users',
      eventType: 'login',
      aggregation: 'unique_count',
      valueProperty: '$.user',
      fold: { window: 'day', take: 'max' },
    },
    { key: 'peak_calls', ...calls },
    { key: 'daily_peaks', ...calls, fold: { window: 'day', take: 'sum' } },
    {
      key: 'gb_hours',
      eventType: 'storage',
      aggregation: 'weighted_sum',
      valueProperty: '$.gb',
      level: { values: 'absolute', unit: 'hour' },
    },
  ])
    await client.post('/v1/meters', meter);
  await client.post('/v1/plans', {
    key: 'rtc',
    name: 'RTC',
    currency: 'USD',
    billingPeriod: { every: 'week', anchor: 'calendar' },
    rateCards: [
      perUnit('bandwidth', '3'),
      perUnit('peak_users', '0.1'),
      perUnit('peak_calls', '2'),
      perUnit('daily_peaks', '0.5'),
      perUnit('gb_hours', '0.01'),
    ],
  });
  const subjects = ['web-1', 'web-2'];
  await client.post('/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', timezone: 'Asia/Shanghai', subjects });
  await client.post('/v1/subscriptions', { customer: 'acme', plan: 'rtc', startsAt: WEEK.from });
  await client.post('/v1/alert-rules', { key: 'peak', customer: 'acme', thresholds: ['150.00'] });

  // 150 five-minute windows with 1 to 150 MB, half an MB of each by the other subject.
  await client.post('/v1/clock', { now: '2026-03-14T16:00:00Z' });
  const start = Date.parse('2026-03-10T02:00:00Z');
  const windows = Array.from({ length: 150 }, (_, index) => ({
    time: new Date(start + index * 300_000).toISOString(),
    mb: index + 0.5,
  }));
  await send('traffic', windows.map(({ time, mb }) => ({ subject: 'web-1', time, data: { mb: String(mb) } }))); // prettier-ignore
  await send('traffic', windows.map(({ time }) => ({ subject: 'web-2', time, data: { mb: '0.5' } }))); // prettier-ignore
  // A week has 2,016 windows; 95 % of them are 1,915.2, so the 1,916th from below is billed: 100 are above it, the 101st from above is 50 MB.
  expect(await spend()).toMatchObject({ bandwidth: '150.00', total: '150.00' });
  await expect
    .poll(() => client.all<object>('/v1/alert-occurrences'), { timeout: 30_000 })
    .toMatchObject([{ rule: 'peak', spend: '150.00' }]);

  // Local 10 March has u1, u2 (u1 twice); 11 March, from 16:00 UTC on, has u2, u3, u4 on two subjects. The peak is 3, the week has 4.
  const login = (time: string, subject: string, user: string) => ({ subject, time, data: { user } });
  await send('login', [
    login('2026-03-10T01:00:00Z', 'web-1', 'u1'),
    login('2026-03-10T15:59:59Z', 'web-2', 'u1'),
    login('2026-03-10T15:59:59.999Z', 'web-1', 'u2'),
    login('2026-03-10T16:00:00Z', 'web-1', 'u2'),
    login('2026-03-11T03:00:00Z', 'web-2', 'u3'),
    login('2026-03-11T04:00:00Z', 'web-1', 'u4'),
  ]);
  // c is never left, so it lasts until 09:00 the next day (maxSeconds), 17:00 on local 11 March. a, b and c are there together from 10:10 to 10:40.
  const call = (time: string, subject: string, id: string, what: string) => ({ subject, time, data: { call: id, what } });
  await send('call', [
    call('2026-03-10T09:00:00Z', 'web-2', 'c', 'join'),
    call('2026-03-10T10:00:00Z', 'web-1', 'a', 'join'),
    call('2026-03-10T10:10:00Z', 'web-2', 'b', 'join'),
    call('2026-03-10T10:40:00Z', 'web-2', 'b', 'leave'),
    call('2026-03-10T11:00:00Z', 'web-1', 'a', 'leave'),
  ]);
  // 4 GB for the 24 hours of local 14 March, then 10 GB and nothing said about it again: 96 + 10 x 24 = 336 GB-hours.
  const held = (time: string, gb: string) => ({ subject: 'web-1', time, data: { gb } });
  await send('storage', [held('2026-03-13T16:00:00Z', '4'), held('2026-03-14T16:00:00Z', '10')]);
  const week = {
    bandwidth: '150.00', // 50 x 3
    peak_users: '0.30', // 3 x 0.1
    peak_calls: '6.00', // 3 x 2
    daily_peaks: '2.00', // (3 + 1) x 0.5
    gb_hours: '3.36', // 336 x 0.01
  };
  expect(await spend()).toEqual({ ...week, total: '161.66' });

  const invoice = await invoiceAt('2026-03-15T16:00:10Z');
  expect(Object.fromEntries(invoice.lines.map(({ key, amount }) => [key, amount]))).toEqual(week);
  expect(invoice.total).toBe('161.66');

  // c was left after all, at 09:30: the peak was 2 (a and b), and 11 March had none.
  await send('call', [call('2026-03-10T09:30:00Z', 'web-2', 'c', 'leave')]);
  const next = await invoiceAt('2026-03-22T16:00:10Z');
  expect(next.adjustments.map(({ key, quantity, amount }) => [key, quantity, amount])).toEqual([
    ['peak_calls', '2', '-2.00'],
    ['daily_peaks', '2', '-1.00'],
  ]);
  // Nothing happened that week, but 10 GB were still held: 1,680 GB-hours.
  expect(next.lines.map(({ key, quantity, amount }) => [key, quantity, amount])).toEqual([
    ['bandwidth', '0', '0.00'],
    ['peak_users', '0', '0.00'],
    ['peak_calls', '0', '0.00'],
    ['daily_peaks', '0', '0.00'],
    ['gb_hours', '1680', '16.80'],
  ]);
  expect(next.total).toBe('13.80');

  // Both invoices rate again to the same lines, and what is kept of the meters is what raw events give.
  const { invariants } = await client.get<{ invariants: { differences: string[] }[] }>('/v1/reconciliation');
  expect(invariants.flatMap(({ differences }) => differences)).toEqual([]);
}, 180_000);

test('usage of such meters is answered window by window, and split', async () => {
  const usage = async (meter: string, query: string) => {
    const { rows } = await client.get<{ rows: { from: string; value: string; events: number; subject?: string }[] }>(
      `/v1/meters/${meter}/usage?customer=acme&from=${WEEK.from}&to=${WEEK.to}${query}`,
    );
    return rows.map(({ from, subject, value, events }) => [from, ...(subject === undefined ? [] : [subject]), value, events]);
  };
  expect(await usage('peak_users', '&window=day')).toEqual([
    ['2026-03-09T16:00:00Z', '2', 3],
    ['2026-03-10T16:00:00Z', '3', 3],
  ]);
  expect(await usage('peak_calls', '&groupBy=subject')).toEqual([
    [WEEK.from, 'web-1', '1', 1],
    [WEEK.from, 'web-2', '1', 2],
  ]);
  // two days on, one of them with a change
  expect(await usage('gb_hours', '&window=day')).toEqual([
    ['2026-03-13T16:00:00Z', '96', 1],
    ['2026-03-14T16:00:00Z', '240', 1],
  ]);
  await expect(usage('bandwidth', '&window=minute')).rejects.toThrow('must not be shorter than 5_minutes');
});
