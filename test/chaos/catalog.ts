import { Decimal } from 'decimal.js';
import type { Client } from './client.ts';
import { totalsOf, type CountedEvent } from './model.ts';

export const SOURCE = 'chaos';
export const METERS = [
  { key: 'calls', aggregation: 'count' },
  { key: 'minutes', aggregation: 'sum', valueProperty: '$.value' },
  { key: 'peak', aggregation: 'max', valueProperty: '$.value' },
  { key: 'least', aggregation: 'min', valueProperty: '$.value' },
  { key: 'last', aggregation: 'latest', valueProperty: '$.value' },
  { key: 'users', aggregation: 'unique_count', valueProperty: '$.user' },
] as const;

export interface Customer {
  readonly key: string;
  readonly subjects: readonly string[];
}

export const CUSTOMERS: readonly Customer[] = [
  { key: 'acme', subjects: ['acme-1', 'acme-2'] },
  { key: 'globex', subjects: ['globex-1'] },
  { key: 'initech', subjects: ['initech-1', 'initech-2', 'initech-3'] },
  { key: 'umbrella', subjects: ['umbrella-1'] },
];
/** `stray` belongs to nobody: its usage counts and is billed to no one. */
export const SUBJECTS = [...CUSTOMERS.flatMap(({ subjects }) => subjects), 'stray'];
export const MEDIA = ['audio', 'video'] as const;

const PLAN = {
  key: 'video',
  name: 'Video',
  currency: 'USD',
  billingPeriod: { every: 'month', anchor: 'calendar' },
  rateCards: [
    { key: 'base', name: 'Base', price: { model: 'flat', amount: '10.00' } },
    { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.0037' } },
    {
      key: 'audio',
      name: 'Audio',
      meter: 'minutes',
      filter: { media: 'audio' },
      price: { model: 'per_unit', unitAmount: '0.011' },
    },
    {
      key: 'video',
      name: 'Video',
      meter: 'minutes',
      filter: { media: 'video' },
      price: {
        model: 'graduated',
        tiers: [
          { upTo: '500', unitAmount: '0.05', flatAmount: '0' },
          { upTo: '2500', unitAmount: '0.03', flatAmount: '0' },
          { upTo: null, unitAmount: '0.017', flatAmount: '0' },
        ],
      },
    },
    { key: 'peak', name: 'Peak', meter: 'peak', price: { model: 'per_unit', unitAmount: '0.37' } },
    { key: 'users', name: 'Users', meter: 'users', price: { model: 'package', packageSize: '10', packageAmount: '0.90' } },
  ],
};

/** What the usage of one customer in one month costs by that plan: every line rounded, then added. */
export function priceOf(events: readonly CountedEvent[]): Decimal {
  const of = (some: readonly CountedEvent[]) => totalsOf(some);
  const [all, audio, video] = [of(events), of(events.filter(({ media }) => media === 'audio')), of(events.filter(({ media }) => media === 'video'))]; // prettier-ignore
  const between = (quantity: Decimal, from: number, to: number) => Decimal.max(Decimal.min(quantity, to).minus(from), 0);
  const lines = [
    new Decimal(10),
    all.calls.times('0.0037'),
    audio.minutes.times('0.011'),
    between(video.minutes, 0, 500).times('0.05').plus(between(video.minutes, 500, 2500).times('0.03')).plus(between(video.minutes, 2500, Infinity).times('0.017')), // prettier-ignore
    all.peak.times('0.37'),
    all.users.div(10).ceil().times('0.90'),
  ];
  return lines.reduce((sum, line) => sum.plus(line.toDecimalPlaces(2, Decimal.ROUND_HALF_UP)), new Decimal(0));
}

const AMOUNTS = [15, 20, 25, 30, 35, 40, 50, 60, 80, 100, 120, 150, 180, 220, 260, 320, 400, 500, 700, 1000];

interface Rule {
  readonly key: string;
  readonly customer?: string;
  readonly plan?: string;
  readonly budget?: string;
  readonly thresholds: readonly string[];
}

export const RULES: readonly Rule[] = [
  ...CUSTOMERS.map(({ key }) => ({ key: `levels-${key}`, customer: key, thresholds: AMOUNTS.map((amount) => `${amount}.00`) })),
  { key: 'budget', plan: PLAN.key, budget: '90.00', thresholds: ['20%', '50%', '80%', '100%', '250%', '33.33'] },
];

/** The rule's levels in money, by threshold, if it watches this customer. */
export function levelsOf(rule: Rule, customer: string): [threshold: string, amount: Decimal][] {
  if (rule.customer !== undefined && rule.customer !== customer) return [];
  return rule.thresholds.map((threshold) => {
    const isShare = threshold.endsWith('%');
    return [threshold, isShare ? new Decimal(threshold.slice(0, -1)).div(100).times(rule.budget ?? '0') : new Decimal(threshold)];
  });
}

/** Sets everything up. Every customer is subscribed from `startsAt` on. */
export async function setUp(client: Client, receiverUrl: string, startsAt: string): Promise<void> {
  for (const meter of METERS) await client.post('/v1/meters', { ...meter, eventType: 'call', dimensions: { media: '$.media' } });
  await client.post('/v1/plans', PLAN);
  await client.put('/v1/invoice-schedule', { cron: '5 0 1 * *', timezone: 'UTC' });
  await client.post('/v1/webhook-endpoints', { url: receiverUrl, events: ['alert.triggered', 'invoice.finalized'] });
  for (const { key, subjects } of CUSTOMERS) {
    await client.post('/v1/customers', { key, name: key, currency: 'USD', timezone: 'UTC', subjects });
    await client.post('/v1/subscriptions', { customer: key, plan: PLAN.key, startsAt });
  }
  for (const rule of RULES) await client.post('/v1/alert-rules', rule);
}
