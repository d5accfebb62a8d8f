import type { Client } from '../client.ts';

/** When the sandbox begins; who is no trial is subscribed from the first of that month on. */
export const BEGINS = '2027-01-11T00:00:00Z';

const flat = (amount: string, more: object = {}) => [{ key: 'base', name: 'Base', price: { model: 'flat', amount, ...more } }];

/** 31.00 for 31 days: each day is 1.00. */
const PLANS = [
  { key: 'moving', rateCards: flat('31.00') },
  { key: 'steady', rateCards: flat('31.00') },
  { key: 'small', rateCards: flat('15.50') },
  { key: 'free', rateCards: flat('0.00') },
  { key: 'paid', rateCards: flat('31.00', { paymentTerm: 'advance' }) },
  {
    key: 'tried',
    rateCards: flat('31.00'),
    phases: [
      {
        ...{ key: 'trial', name: 'Trial', lasts: { days: 14 }, percentOff: '100' },
        trial: { converts: 'with_payment_method' },
      },
    ],
  },
];
/** Versions 2 and 3 of `moving`. */
const RISES = ['62.00', '93.00'];

const several = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);

export const MOVED = several('moved', 6);
export const UPGRADED = ['upgraded-1', 'upgraded-2'];
export const TAKEN_BACK = ['back-1', 'back-2'];
export const CONVERTING = several('converting', 4);
export const EXPIRING = several('expiring', 4);
export const PAUSED = 'paused';
export const SHRUNK = 'shrunk';

const SUBSCRIBED: readonly (readonly [plan: string, customers: readonly string[]])[] = [
  ['moving', MOVED],
  ['free', [...UPGRADED, ...TAKEN_BACK]],
  ['steady', [PAUSED, SHRUNK]],
  ['tried', [...CONVERTING, ...EXPIRING]],
];

/** Sets the sandbox up. Answers the id of each customer's subscription. */
export async function setUpLife(client: Client, receiverUrl: string): Promise<ReadonlyMap<string, string>> {
  const events = ['invoice.finalized', 'credit_note.issued', 'subscription.changed', 'subscription.trial_will_end', 'subscription.trial_ended']; // prettier-ignore
  await client.post('/v1/webhook-endpoints', { url: receiverUrl, events });
  await client.put('/v1/invoice-schedule', { cron: '5 0 1 * *', timezone: 'UTC' });
  for (const plan of PLANS) {
    const billingPeriod = { every: 'month', anchor: 'calendar' };
    await client.post('/v1/plans', { name: plan.key, currency: 'USD', billingPeriod, ...plan });
  }
  const ids = new Map<string, string>();
  for (const [plan, customers] of SUBSCRIBED) {
    for (const key of customers) {
      const paymentMethod = CONVERTING.includes(key) ? 'pm_1' : null;
      await client.post('/v1/customers', { key, name: key, currency: 'USD', timezone: 'UTC', subjects: [key], paymentMethod });
      const startsAt = plan === 'tried' ? BEGINS : '2027-01-01T00:00:00Z';
      const { id } = await client.post<{ id: string }>('/v1/subscriptions', { customer: key, plan, startsAt });
      ids.set(key, id);
    }
  }
  // Only now: whoever subscribes gets the newest version.
  for (const amount of RISES) await client.post('/v1/plans/moving/versions', { rateCards: flat(amount) });
  return ids;
}
