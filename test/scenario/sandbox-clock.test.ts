import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DemoServer, startServer } from '../../packages/cli/src/demo/server.ts';

const KEY = 'mk_test_sandboxes_scenarioscenario';

/** One tenant, as its programs see it. */
type Api = <T = unknown>(method: string, route: string, body?: unknown, signal?: AbortSignal) => Promise<T>;

let folder: string;
let server: DemoServer;
let live: Api;
/** Goes through a year. */
let year: Api;
/** Stays where it was made, at the machine's time. */
let still: Api;
let sent = 0;
/** By the machine. */
const beganAtSeconds = Math.floor(Date.now() / 1000);
/** What the webhook receiver got: its `webhook-timestamp` in seconds, and the payload's time and type. */
const received: { readonly sentAtSeconds: number; readonly timestamp: string; readonly type: string }[] = [];
const receiver = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const payload = JSON.parse(Buffer.concat(chunks).toString()) as { timestamp: string; type: string };
    received.push({ sentAtSeconds: Number(request.headers['webhook-timestamp']), ...payload });
    response.writeHead(204).end();
  });
});

function apiWith(key: string): Api {
  return async <T>(method: string, route: string, body?: unknown, signal?: AbortSignal) => {
    const response = await fetch(`${server.url}${route}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };
}

async function start(): Promise<void> {
  // No test clock: the server lives in the machine's time.
  server = await startServer(folder, { METERLINE_ADMIN_KEY: KEY, METERLINE_WEBHOOK_ALLOW: 'loopback' });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'meterline-sandboxes-'));
  await start();
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  live = apiWith(KEY);
  const sandbox = async (key: string, clock?: string) =>
    apiWith((await live<{ apiKey: string }>('POST', '/v1/sandboxes', { key, name: key, clock })).apiKey);
  year = await sandbox('year', '2024-01-01T00:00:00Z');
  still = await sandbox('still');
  const events = ['invoice.finalized', 'alert.triggered'];
  const { port } = receiver.address() as AddressInfo;
  const endpoint = await year('POST', '/v1/webhook-endpoints', { url: `http://127.0.0.1:${port}/`, events });
  expect(endpoint).toMatchObject({ createdAt: expect.stringMatching(/^2024-01-01T00:/) as string });
  for (const api of [live, year, still]) await setUp(api);
}, 240_000);
afterAll(async () => {
  receiver.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The same everywhere: who only had the price list could not tell the tenants apart. */
async function setUp(api: Api): Promise<void> {
  await api('PUT', '/v1/invoice-schedule', { cron: '5 0 1 * *' });
  await api('POST', '/v1/meters', { key: 'calls', eventType: 'call', aggregation: 'sum', valueProperty: '$.n' });
  const flat = (amount: string, terms: object = {}) => [
    { key: 'base', name: 'Base', price: { model: 'flat', amount, ...terms } },
  ];
  const calls = { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.01' } };
  const plan = (key: string, every: string, rateCards: object[]) =>
    api('POST', '/v1/plans', { key, name: key, currency: 'USD', billingPeriod: { every, anchor: 'calendar' }, rateCards });
  await plan('payg', 'month', [calls]);
  await plan('large', 'month', flat('90.00'));
  await plan('small', 'month', flat('30.00'));
  await plan('annual', 'year', flat('120.00', { paymentTerm: 'advance' }));
  for (const [customer, of] of [
    ['metered', 'payg'],
    ['prepaid', 'payg'],
    ['changing', 'large'],
    ['yearly', 'annual'],
  ]) {
    await api('POST', '/v1/customers', { key: customer, name: customer, currency: 'USD', subjects: [customer] });
    await api('POST', '/v1/subscriptions', { customer, plan: of });
  }
  await api('POST', '/v1/alert-rules', { key: 'spent', customer: 'metered', thresholds: ['1.00'] });
}

/** `metered` and `prepaid` each make `n` calls. */
async function use(api: Api, time: string, n: string): Promise<void> {
  const event = (subject: string) => ({ specversion: '1.0', id: `c${(sent += 1)}`, source: 'test', type: 'call', subject });
  await api(
    'POST',
    '/v1/events',
    ['metered', 'prepaid'].map((subject) => ({ ...event(subject), time, data: { n } })),
  );
}

interface ClockAnswer {
  readonly now: string;
  readonly test: boolean;
  readonly movingTo: string | null;
}

/** Until everything due by then is done. */
async function moveTo(api: Api, now: string): Promise<void> {
  let clock = await api<ClockAnswer>('POST', '/v1/clock', { now });
  while (clock.movingTo !== null) {
    await sleep(50);
    clock = await api<ClockAnswer>('GET', '/v1/clock');
  }
}

const clockOf = async (api: Api): Promise<number> => Date.parse((await api<ClockAnswer>('GET', '/v1/clock')).now);

/** Oldest first. */
async function invoices(api: Api, customer: string): Promise<InvoiceDocument[]> {
  const { items } = await api<{ items: { id: string }[] }>('GET', `/v1/invoices?customer=${customer}&limit=100`);
  return Promise.all(items.toReversed().map(({ id }) => api<InvoiceDocument>('GET', `/v1/invoices/${id}`)));
}

const totals = async (api: Api, customer: string) => (await invoices(api, customer)).map(({ total }) => total);

it(
  'a sandbox goes through a year, and everything happens at its time; nobody else sees anything of it',
  { timeout: 240_000 },
  async () => {
    await year('POST', '/v1/customers/prepaid/grants', {
      ...{ key: 'pack', name: 'Pack', kind: 'units', meter: 'calls', amount: '1000' },
      expiresAt: '2024-02-15T00:00:00Z',
    });
    const { items } = await year<{ items: { id: string }[] }>('GET', '/v1/subscriptions?customer=changing');
    await year('POST', `/v1/subscriptions/${items[0]?.id}/changes`, { kind: 'plan', plan: 'small', at: '2024-04-01T00:00:00Z' });
    const { id: expiring, key: keyOfExpiring } = await year<{ id: string; key: string }>('POST', '/v1/api-keys', {
      ...{ name: 'short', scopes: ['read'], expiresAt: '2024-02-01T00:00:00Z' },
    });
    await apiWith(keyOfExpiring)('GET', '/v1/customers');

    // Events are judged by the sandbox's time: what is "now" for the machine lies years ahead there.
    await moveTo(year, '2024-01-10T00:00:00Z');
    await expect(use(year, new Date().toISOString(), '1')).rejects.toThrow('event.in_future');
    await expect(use(live, '2024-01-10T00:00:00Z', '1')).rejects.toThrow('event.too_old');
    await use(year, '2024-01-09T00:00:00Z', '400');
    await moveTo(year, '2024-02-10T00:00:00Z');
    await use(year, '2024-02-10T00:00:00Z', '50');
    await moveTo(year, '2024-03-10T00:00:00Z');
    await use(year, '2024-03-09T00:00:00Z', '300');
    // Ten months at once.
    await moveTo(year, '2025-01-02T00:00:00Z');

    // 400, 50 and 300 calls at 0.01; January's and no other are covered by the pack: it expired on 15 February with 550 left.
    expect((await totals(year, 'metered')).slice(0, 4)).toEqual(['4.00', '0.50', '3.00', '0.00']);
    expect((await totals(year, 'prepaid')).slice(0, 4)).toEqual(['0.00', '0.00', '3.00', '0.00']);
    // The ledger says when: with the first run after it expired.
    const { items: movements } = await year<{ items: { kind: string; amount: string; bookedAt: string }[] }>(
      'GET',
      '/v1/customers/prepaid/ledger',
    );
    expect(movements.map(({ kind, amount, bookedAt }) => `${kind} ${amount} ${bookedAt.slice(0, 15)}`)).toEqual([
      'grant 1000 2024-01-01T00:0',
      'burn -400 2024-02-01T00:0',
      'burn -50 2024-03-01T00:0',
      'expire -550 2024-03-01T00:0',
    ]);

    // The downgrade of 1 April came by itself; twelve months, each invoiced when it had ended, five minutes past midnight, in order.
    const changing = await invoices(year, 'changing');
    expect(changing.map(({ plan, total }) => `${plan} ${total}`)).toEqual([
      ...Array<string>(3).fill('large 90.00'),
      ...Array<string>(9).fill('small 30.00'),
    ]);
    expect(changing.map(({ period, issuedAt }) => [period.to, issuedAt.slice(0, 15)])).toEqual(
      changing.map(({ period }) => [period.to, `${period.to.slice(0, 10)}T00:0`]),
    );
    const numbers = changing.map(({ number }) => number);
    expect(numbers).toEqual(numbers.toSorted());

    // The annual fee of 2024 was due at once; on 1 January 2025 the year ended (all of it is billed) and the next fee was due.
    const yearly = await invoices(year, 'yearly');
    expect(
      yearly.map(
        ({ kind = 'period', period, total, issuedAt }) => `${kind} ${period.from.slice(0, 4)} ${total} ${issuedAt.slice(0, 10)}`,
      ),
    ).toEqual(['fee 2024 120.00 2024-01-01', 'fee 2025 120.00 2025-01-01', 'period 2024 0.00 2025-01-01']);

    // One alert a period with more than 1.00: at the time of the usage, not of the look.
    const { items: alerts } = await year<{ items: { asOf: { at: string } }[] }>('GET', '/v1/alert-occurrences');
    expect(alerts.map(({ asOf }) => asOf.at.slice(0, 10)).toSorted()).toEqual(['2024-01-10', '2024-03-10']);

    await expect(apiWith(keyOfExpiring)('GET', '/v1/customers')).rejects.toThrow('auth.expired_key');
    expect(await year('GET', `/v1/api-keys/${expiring}`)).toMatchObject({ expiresAt: '2024-02-01T00:00:00Z' });
    const { items: trail } = await year<{ items: { at: string }[] }>('GET', '/v1/audit');
    expect(trail.every(({ at }) => at.startsWith('2024-01-01'))).toBe(true);

    // 12 * 3 + 3 invoices and 2 alerts were told at once, signed by the machine's time, of the sandbox's.
    await expect.poll(() => received.length, { timeout: 30_000 }).toBe(41);
    expect(received.every(({ sentAtSeconds }) => sentAtSeconds >= beganAtSeconds)).toBe(true);
    expect(received.every(({ timestamp }) => /^202[45]/.test(timestamp))).toBe(true);

    for (const api of [live, still]) {
      expect(Math.abs((await clockOf(api)) - Date.now())).toBeLessThan(60_000);
      // At once due: the fee of the year that runs.
      await expect.poll(() => totals(api, 'yearly'), { timeout: 30_000 }).toHaveLength(1);
      for (const customer of ['metered', 'prepaid', 'changing']) expect(await totals(api, customer)).toEqual([]);
      expect((await api<{ items: unknown[] }>('GET', '/v1/alert-occurrences')).items).toEqual([]);
    }
    await expect(live('POST', '/v1/clock', { now: '2099-01-01T00:00:00Z' })).rejects.toThrow('clock.not_sandbox');
    await expect(year('POST', '/v1/clock', { now: '2025-01-01T00:00:00Z' })).rejects.toThrow('clock.backwards');
    expect(await live('GET', '/v1/reconciliation')).toMatchObject({ holds: true });
  },
);

it('a sandbox keeps its time over a restart, also on its way: what is due goes on', { timeout: 240_000 }, async () => {
  // Daily from here on, so that the way is long enough to be left in the middle of it.
  await year('PUT', '/v1/invoice-schedule', { cron: '5 0 * * *' });
  const before = await clockOf(year);
  const leaving = new AbortController();
  const moving = year('POST', '/v1/clock', { now: '2025-03-02T00:00:00Z' }, leaving.signal).catch(() => undefined);
  await expect.poll(() => clockOf(year), { timeout: 30_000 }).toBeGreaterThan(before + 5 * 86_400_000);
  leaving.abort();
  await moving;
  expect(await clockOf(year)).toBeLessThan(Date.parse('2025-03-01T00:00:00Z'));
  await server.stop();
  await start();
  // Nobody sends it again.
  const isThere = async () => (await year<ClockAnswer>('GET', '/v1/clock')).movingTo === null;
  await expect.poll(isThere, { timeout: 120_000 }).toBe(true);
  expect(await clockOf(year)).toBeGreaterThanOrEqual(Date.parse('2025-03-02T00:00:00Z'));
  const { items } = await year<{ items: { at: string; scheduled: boolean }[] }>('GET', '/v1/invoice-runs?limit=1000');
  const days = items.filter(({ scheduled, at }) => scheduled && at > '2025-01-02').map(({ at }) => at.slice(0, 10));
  // 2 January to 1 March: 30 + 28 + 1 days, each once.
  expect([days.length, new Set(days).size]).toEqual([59, 59]);
  expect((await totals(year, 'changing')).slice(12)).toEqual(['30.00', '30.00']);
  expect(Math.abs((await clockOf(still)) - Date.now())).toBeLessThan(60_000);
});
