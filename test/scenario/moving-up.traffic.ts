import { setTimeout as sleep } from 'node:timers/promises';

export type ServerCall = <T>(method: 'GET' | 'POST', route: string, body?: unknown) => Promise<T>;

/** Everything a customer or an operator could ask for, as text, so that equal means equal in every digit. */
export interface Picture {
  /** By meter, then by subject: `<value> of <events>`. */
  readonly usage: Record<string, Record<string, string>>;
  readonly spend: unknown;
  readonly invoices: readonly unknown[];
  readonly occurrences: readonly unknown[];
  readonly refused: readonly string[];
  readonly deliveries: readonly string[];
}

const METERS = ['calls', 'minutes', 'peak', 'users', 'last', 'late', 'filled'];
const EVER = 'from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z';

const event = (id: string, subject: string, time: string, minutes: number) => ({
  id,
  source: 's',
  type: 'call',
  subject,
  time,
  data: { minutes: `${minutes}.5`, user: `u${minutes % 5}`, region: minutes % 2 === 0 ? 'eu' : 'us' },
});

/** Event `n` of May, at an instant of its own. */
export const ofMay = (n: number) =>
  event(`may-${n}`, n % 3 === 0 ? 'bob' : 'ann', `2026-05-${String(1 + (n % 18)).padStart(2, '0')}T00:00:${String(n % 60).padStart(2, '0')}.${String(n).padStart(3, '0')}Z`, n); // prettier-ignore

/** Which of them is the latest must not hang on where they lie in a log. */
const atOneInstant = Array.from({ length: 12 }, (_, n) => event(`tie-${n}`, 'eve', '2026-05-31T12:00:00Z', (n * 7) % 12));

const meter = (key: string, aggregation: string, more: object = {}) => ({
  key,
  name: key,
  eventType: 'call',
  aggregation,
  ...(aggregation !== 'count' && { valueProperty: '$.minutes' }),
  ...more,
});

/** Fills a standalone server whose test clock stands in May 2026: every kind of record, two months, an invoice, alerts, backfills. */
export async function fillFolder(call: ServerCall): Promise<void> {
  await call('POST', '/v1/meters', meter('calls', 'count'));
  await call('POST', '/v1/meters', meter('minutes', 'sum', { dimensions: { region: '$.region' } }));
  await call('POST', '/v1/meters', meter('peak', 'max'));
  await call('POST', '/v1/meters', meter('users', 'unique_count', { valueProperty: '$.user' }));
  await call('POST', '/v1/meters', meter('last', 'latest'));
  await call('POST', '/v1/webhook-endpoints', {
    url: 'http://127.0.0.1:2001/hook',
    events: ['alert.triggered', 'invoice.finalized'],
  });
  const billingPeriod = { every: 'month', anchor: 'calendar' };
  const rateCards = [
    { key: 'minutes', name: 'Minutes', meter: 'minutes', price: { model: 'per_unit', unitAmount: '0.013' } },
    { key: 'users', name: 'Users', meter: 'users', price: { model: 'per_unit', unitAmount: '3' } },
    { key: 'peak', name: 'Peak', meter: 'peak', price: { model: 'per_unit', unitAmount: '0.1' } },
  ];
  await call('POST', '/v1/plans', { key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards });
  await call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', timezone: 'UTC', subjects: ['ann', 'bob'] });
  await call('POST', '/v1/subscriptions', { customer: 'acme', plan: 'pro', startsAt: '2026-05-01T00:00:00Z' });
  await call('POST', '/v1/alert-rules', { key: 'spent', customer: 'acme', thresholds: ['1', '100', '100000'] });

  const first = Array.from({ length: 150 }, (_, n) => ofMay(n));
  await call('POST', '/v1/events', [...first, ...first.slice(20, 40)]);
  await call('POST', '/v1/events', first.slice(40, 50).map((each) => ({ ...each, data: { minutes: '9', user: 'u9', region: 'eu' } }))); // prettier-ignore
  await until(async () => (await countOf(call, 'calls')) === 150);
  await correct(call);

  await call('POST', '/v1/meters', meter('late', 'sum'));
  await call('POST', '/v1/meters', meter('filled', 'sum'));
  await call(
    'POST',
    '/v1/events',
    Array.from({ length: 60 }, (_, n) => ofMay(150 + n)),
  );
  await until(async () => (await countOf(call, 'late')) === 60);
  await call('POST', '/v1/meters/filled/backfill');
  await until(async () => (await call<{ state: string }>('GET', '/v1/meters/filled/backfill')).state === 'complete');
  // Withdraws what the backfill counted, what nobody but it counted, and what came after it.
  for (const n of [11, 12, 155]) await call('POST', `/v1/events/may-${n}/void`, { source: 's' });

  await call('POST', '/v1/clock', { now: '2026-06-01T12:00:00Z' });
  const run = await call<{ id: string }>('POST', '/v1/invoice-runs', {});
  await until(async () => (await call<{ state: string }>('GET', `/v1/invoice-runs/${run.id}`)).state === 'complete');

  // Late usage of May, a void in the invoiced month, and June.
  await call('POST', '/v1/events', [event('late-may', 'ann', '2026-05-30T00:00:00Z', 40), event('june-1', 'bob', '2026-06-01T06:00:00Z', 3), ...atOneInstant]); // prettier-ignore
  await call('POST', '/v1/events/may-149/void', { source: 's' });
  await until(async () => (await countOf(call, 'calls')) === 150 + 60 - 2 - 3 + 2 + atOneInstant.length - 1);
  await until(async () => (await pictureOf(call)).occurrences.length >= 3);
}

/** Voids and replacements of all outcomes: 2 events fewer. */
async function correct(call: ServerCall): Promise<void> {
  const replace = (id: string, minutes: number) => {
    const { source, type, subject, time, data } = { ...ofMay(5), ...event(id, 'ann', ofMay(5).time, minutes) };
    return call('POST', `/v1/events/${id}/replace`, { source, type, subject, time, data });
  };
  for (const id of ['may-3', 'may-4', 'may-6']) await call('POST', `/v1/events/${id}/void`, { source: 's' });
  await replace('may-5', 77);
  await replace('may-5', 77);
  await replace('may-6', 78);
  await call('POST', '/v1/events/may-3/void', { source: 's' });
  await call('POST', '/v1/events/nobody/void', { source: 's' });
  await replace('nobody', 1);
  await until(async () => (await countOf(call, 'calls')) === 148);
}

export async function pictureOf(call: ServerCall): Promise<Picture> {
  const usage: Picture['usage'] = {};
  for (const key of METERS) usage[key] = await usageOf(call, key);
  const { asOf: _asOf, ...spend } = await call<{ asOf: unknown }>('GET', '/v1/customers/acme/spend');
  const { items: issued } = await call<{ items: { id: string }[] }>('GET', '/v1/invoices');
  const invoices = await Promise.all(issued.map(({ id }) => call('GET', `/v1/invoices/${id}`)));
  const { items: occurrences } = await call<{ items: { asOf: { at: string } }[] }>('GET', '/v1/alert-occurrences');
  const { items: refused } = await call<{ items: { code: string; event: unknown; receivedAt: string }[] }>('GET', '/v1/refused-events?limit=200'); // prettier-ignore
  const { items: deliveries } = await call<{ items: { id: string; state: string }[] }>('GET', '/v1/webhook-deliveries');
  return {
    usage,
    spend,
    invoices,
    // The cut is a place in another log now; when it fired is not.
    occurrences: occurrences.map(({ asOf, ...occurrence }) => ({ ...occurrence, at: asOf.at })),
    refused: refused.map(({ code, event: sent, receivedAt }) => `${code} ${receivedAt} ${JSON.stringify(sent)}`).toSorted(),
    deliveries: deliveries.map(({ id, state }) => `${id} ${state}`),
  };
}

async function usageOf(call: ServerCall, key: string): Promise<Record<string, string>> {
  const answer = await call<{ rows: { subject: string; value: string; events: number }[] }>('GET', `/v1/meters/${key}/usage?${EVER}&groupBy=subject`); // prettier-ignore
  return Object.fromEntries(answer.rows.map(({ subject, value, events }) => [subject, `${value} of ${events}`]));
}

async function countOf(call: ServerCall, key: string): Promise<number> {
  const usage = Object.values(await usageOf(call, key));
  return usage.reduce((sum, each) => sum + Number(each.split(' of ')[1]), 0);
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(50);
}
