import type { Client } from '../client.ts';

export const CUSTOMER = 'contoso';
export const SUBJECT = 'contoso-chat';
export const EVENT_TYPE = 'llm.call';
export const CURRENCY = 'USD';
/** The last is never reached: the trace comes to 148.67. */
export const BUDGET = { amount: '150.00', thresholds: ['100.00', '80%', '100%'], cents: [100_00n, 120_00n, 150_00n] } as const;

const RATE_CARDS = [
  { key: 'base', name: 'Platform fee', price: { model: 'flat', amount: '49.00' } },
  {
    key: 'calls',
    name: 'Calls',
    meter: 'calls',
    price: {
      model: 'graduated',
      tiers: [
        { upTo: '5000', unitAmount: '0.002' },
        { upTo: '15000', unitAmount: '0.0015' },
        { upTo: null, unitAmount: '0.001' },
      ],
    },
  },
  {
    key: 'input_tokens',
    name: 'Input tokens, by the thousand',
    meter: 'input_tokens',
    price: {
      model: 'graduated',
      tiers: [
        { upTo: '5000', unitAmount: '0.0030' },
        { upTo: null, unitAmount: '0.0025' },
      ],
    },
    modifiers: { unitConversion: { operation: 'divide', factor: '1000' }, allowance: { units: '10000' } },
  },
  {
    key: 'output_tokens',
    name: 'Output tokens, in packages',
    meter: 'output_tokens',
    price: { model: 'package', packageSize: '100000', packageAmount: '0.90' },
  },
] as const;

/** Everything that is there before the first event: meters, a plan, a customer on it, and a budget to watch. */
export async function createCatalogue(client: Client): Promise<void> {
  const sum = { eventType: EVENT_TYPE, aggregation: 'sum' };
  await client.post('/v1/meters', { key: 'calls', eventType: EVENT_TYPE, aggregation: 'count' });
  await client.post('/v1/meters', { key: 'input_tokens', ...sum, valueProperty: '$.input_tokens' });
  await client.post('/v1/meters', { key: 'output_tokens', ...sum, valueProperty: '$.output_tokens' });
  await client.post('/v1/plans', {
    key: 'llm',
    name: 'LLM by use',
    currency: CURRENCY,
    billingPeriod: { every: 'month', anchor: 'calendar' },
    rateCards: RATE_CARDS,
  });
  await client.post('/v1/customers', {
    key: CUSTOMER,
    name: 'Contoso Chat',
    currency: CURRENCY,
    timezone: 'UTC',
    subjects: [SUBJECT],
  });
  await client.post('/v1/subscriptions', { customer: CUSTOMER, plan: 'llm', startsAt: '2023-11-01T00:00:00Z' });
  await client.post('/v1/alert-rules', {
    key: 'budget',
    customer: CUSTOMER,
    budget: BUDGET.amount,
    thresholds: BUDGET.thresholds,
  });
}

/** Answers the secret that deliveries are signed with. */
export async function createWebhookEndpoint(client: Client, url: string): Promise<string> {
  const endpoint = await client.post('/v1/webhook-endpoints', { url, events: ['alert.triggered', 'invoice.finalized'] });
  return (endpoint as { secret: string }).secret;
}
