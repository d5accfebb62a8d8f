import type { Meter } from '@meterline/domain/meters';

/** One meter that sums and one that counts: each event feeds both. */
export const BENCH_METERS: Omit<Meter, 'tenant' | 'createdVersion' | 'archivedVersion'>[] = [
  {
    key: 'minutes',
    name: 'Minutes',
    eventType: 'session.minutes',
    aggregation: 'sum',
    valueProperty: '$.minutes',
    dimensions: { media: '$.media' },
    filter: {},
  },
];

/** A client of the control plane that fails on anything but success. */
export function apiClient(url: string, key: string) {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
  return {
    get: <T>(path: string) => call<T>('GET', path),
    post: <T>(path: string, body: unknown) => call<T>('POST', path, body),
  };
}

export type ApiClient = ReturnType<typeof apiClient>;

/** Meters, and a price plan with customers of one subject each. */
export async function setUp(api: ApiClient, customers: number): Promise<void> {
  for (const { key, name, eventType, aggregation, valueProperty, dimensions } of BENCH_METERS) {
    await api.post('/v1/meters', {
      key,
      name,
      eventType,
      aggregation,
      dimensions,
      ...(valueProperty === null ? {} : { valueProperty }),
    });
  }
  const rateCards = [{ key: 'minutes', name: 'Minutes', meter: 'minutes', price: { model: 'per_unit', unitAmount: '0.01' } }];
  await api.post('/v1/plans', {
    key: 'bench',
    name: 'Bench',
    currency: 'USD',
    billingPeriod: { every: 'month', anchor: 'calendar' },
    rateCards,
  });
  const startsAt = new Date(Date.now() - 40 * 86_400_000).toISOString();
  for (let n = 0; n < customers; n += 1) {
    await api.post('/v1/customers', { key: `c${n}`, name: `Customer ${n}`, currency: 'USD', subjects: [`customer-${n}`] });
    await api.post('/v1/subscriptions', { customer: `c${n}`, plan: 'bench', startsAt });
  }
}
