/** What earlier calls answered, by route. */
export type Answers = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** How a route is called so that it changes something, and what type of object its record must name. */
interface Change {
  readonly type: string;
  readonly path?: (answers: Answers) => string;
  readonly body?: (answers: Answers) => object;
}

const idOf = (answers: Answers, route: string): string => String(answers[route]?.['id']);
const price = { model: 'per_unit', unitAmount: '0.01' };

/**
 * Every route that changes what is set up, in an order in which they can be called. A route that is neither here nor in CHANGES_NOTHING fails
 * test/scenario/audit.test.ts. A new one: give its table the audit trigger in its migration (see the end of 0016_audit.sql), and say here how to call it.
 */
export const CHANGES: Readonly<Record<string, Change>> = {
  'POST /v1/api-keys': { type: 'api_key', body: () => ({ name: 'dashboard', scopes: ['read'] }) },
  'POST /v1/api-keys/{id}/revoke': {
    type: 'api_key',
    path: (answers) => `/v1/api-keys/${idOf(answers, 'POST /v1/api-keys')}/revoke`,
  },
  'POST /v1/sandboxes': { type: 'sandbox', body: () => ({ key: 'try', name: 'Try' }) },
  'DELETE /v1/sandboxes/{key}': { type: 'sandbox', path: () => '/v1/sandboxes/try' },
  'POST /v1/meters': { type: 'meter', body: () => ({ key: 'calls', eventType: 'call', aggregation: 'count' }) },
  'POST /v1/meters/{key}/backfill': { type: 'meter_backfill', path: () => '/v1/meters/calls/backfill' },
  'POST /v1/customers': { type: 'customer', body: () => ({ key: 'acme', name: 'Acme', currency: 'USD', subjects: ['a'] }) },
  'PATCH /v1/customers/{key}': { type: 'customer', path: () => '/v1/customers/acme', body: () => ({ subjects: ['a', 'b'] }) },
  'POST /v1/features': { type: 'feature', body: () => ({ key: 'calling', name: 'Calling', meter: 'calls' }) },
  'POST /v1/plans': {
    type: 'plan',
    body: () => ({
      key: 'pro',
      name: 'Pro',
      currency: 'USD',
      billingPeriod: { every: 'month', anchor: 'calendar' },
      rateCards: [{ key: 'calls', name: 'Calls', meter: 'calls', price }],
    }),
  },
  'POST /v1/plans/{key}/versions': {
    type: 'plan_version',
    path: () => '/v1/plans/pro/versions',
    body: () => ({ rateCards: [{ key: 'calls', name: 'Calls', meter: 'calls', price }], draft: true }),
  },
  'PUT /v1/plans/{key}/versions/{version}': {
    type: 'plan_version',
    path: () => '/v1/plans/pro/versions/2',
    body: () => ({ rateCards: [{ key: 'calls', name: 'Calls', meter: 'calls', price: { ...price, unitAmount: '0.02' } }] }),
  },
  'POST /v1/plans/{key}/versions/{version}/publish': { type: 'plan_version', path: () => '/v1/plans/pro/versions/2/publish' },
  'POST /v1/plans/{key}/versions/{version}/archive': { type: 'plan_version', path: () => '/v1/plans/pro/versions/1/archive' },
  'POST /v1/plans/{key}/versions/{version}/price-changes': {
    type: 'price_change',
    path: () => '/v1/plans/pro/versions/2/price-changes',
    body: () => ({ rateCard: 'calls', validFrom: '2026-04-01T00:00:00Z', price }),
  },
  'POST /v1/customers/{key}/negotiated-prices': {
    type: 'negotiated_price',
    path: () => '/v1/customers/acme/negotiated-prices',
    body: () => ({ plan: 'pro', rateCard: 'calls', validFrom: '2026-04-01T00:00:00Z', price }),
  },
  'POST /v1/customers/{key}/negotiated-prices/{revision}/end': {
    type: 'negotiated_price',
    path: () => '/v1/customers/acme/negotiated-prices/1/end',
    body: () => ({ at: '2026-05-01T00:00:00Z' }),
  },
  'POST /v1/subscriptions': { type: 'subscription', body: () => ({ customer: 'acme', plan: 'pro' }) },
  'POST /v1/plans/{key}/moves': {
    type: 'plan_move',
    path: () => '/v1/plans/pro/moves',
    body: () => ({ toVersion: 2, when: 'renewal' }),
  },
  'POST /v1/subscriptions/{id}/changes': {
    type: 'subscription_change',
    path: (answers) => `/v1/subscriptions/${idOf(answers, 'POST /v1/subscriptions')}/changes`,
    body: () => ({ kind: 'pause', at: 'period_end' }),
  },
  'DELETE /v1/subscriptions/{id}/changes/{change}': {
    type: 'subscription_change',
    path: (answers) => {
      const { change } = answers['POST /v1/subscriptions/{id}/changes'] as { change: { id: string } } & Answers[string];
      return `/v1/subscriptions/${idOf(answers, 'POST /v1/subscriptions')}/changes/${change.id}`;
    },
  },
  'POST /v1/subscriptions/{id}/upgrades': {
    type: 'subscription_upgrade',
    path: (answers) => `/v1/subscriptions/${idOf(answers, 'POST /v1/subscriptions')}/upgrades`,
    body: () => ({ plan: 'pro', commitment: { minimumSpend: '10.00', every: 'period' } }),
  },
  'POST /v1/subscriptions/{id}/upgrades/{upgrade}/rollback': {
    type: 'subscription_upgrade',
    path: (answers) =>
      `/v1/subscriptions/${idOf(answers, 'POST /v1/subscriptions')}/upgrades/${idOf(answers, 'POST /v1/subscriptions/{id}/upgrades')}/rollback`,
  },
  'POST /v1/subscriptions/{id}/end': {
    type: 'subscription',
    path: (answers) => `/v1/subscriptions/${idOf(answers, 'POST /v1/subscriptions')}/end`,
  },
  'POST /v1/customers/{key}/grants': {
    type: 'prepaid_grant',
    path: () => '/v1/customers/acme/grants',
    body: () => ({ key: 'starter', name: 'Starter', kind: 'units', meter: 'calls', amount: '100' }),
  },
  'PUT /v1/customers/{key}/burn-order': {
    type: 'prepaid_account',
    path: () => '/v1/customers/acme/burn-order',
    body: () => ({ order: 'free_first' }),
  },
  'POST /v1/grants/{id}/void': {
    type: 'prepaid_movement',
    path: (answers) => `/v1/grants/${idOf(answers, 'POST /v1/customers/{key}/grants')}/void`,
  },
  'POST /v1/alert-rules': {
    type: 'alert_rule',
    body: () => ({ key: 'half', customer: 'acme', budget: '10', thresholds: ['50%'] }),
  },
  'DELETE /v1/alert-rules/{key}': { type: 'alert_rule', path: () => '/v1/alert-rules/half' },
  'PUT /v1/invoice-schedule': { type: 'invoice_schedule', body: () => ({ cron: '0 6 1 * *', timezone: 'Europe/Berlin' }) },
  'POST /v1/webhook-endpoints': {
    type: 'webhook_endpoint',
    body: ({ receiver }) => ({ url: receiver?.['url'], events: ['invoice.finalized'] }),
  },
  'POST /v1/webhook-endpoints/{id}/rotate-secret': {
    type: 'webhook_endpoint',
    path: (answers) => `/v1/webhook-endpoints/${idOf(answers, 'POST /v1/webhook-endpoints')}/rotate-secret`,
  },
  'POST /v1/webhook-endpoints/{id}/enable': {
    type: 'webhook_endpoint',
    path: (answers) => `/v1/webhook-endpoints/${idOf(answers, 'POST /v1/webhook-endpoints')}/enable`,
  },
  'DELETE /v1/webhook-endpoints/{id}': {
    type: 'webhook_endpoint',
    path: (answers) => `/v1/webhook-endpoints/${idOf(answers, 'POST /v1/webhook-endpoints')}`,
  },
  'POST /v1/meters/{key}/archive': { type: 'meter', path: () => '/v1/meters/calls/archive' },
  'POST /v1/features/{key}/archive': { type: 'feature', path: () => '/v1/features/calling/archive' },
  'POST /v1/plans/{key}/archive': { type: 'plan', path: () => '/v1/plans/pro/archive' },
};

/** Routes that change nothing anybody set, and why they need no record. */
export const CHANGES_NOTHING: Readonly<Record<string, string>> = {
  'POST /v1/events': 'usage: every event is kept in the log',
  'POST /v1/events/{id}/void': 'usage: the withdrawal is kept in the log',
  'POST /v1/events/{id}/replace': 'usage: the replacement is kept in the log',
  'POST /v1/prices/evaluate': 'computes',
  'POST /v1/prices/evaluate/batch': 'computes',
  'POST /v1/subscriptions/{id}/changes/preview': 'computes',
  'POST /v1/invoice-runs': 'work: runs and invoices are kept for good themselves',
  'POST /v1/queues/rebuild': 'work that is pending anyway',
  'POST /v1/entitlements/rebuild': 'a cache of what the stores hold',
  'POST /v1/clock': 'time passes',
  'POST /v1/webhook-endpoints/{id}/test': 'sends a message, which is kept',
  'POST /v1/webhook-deliveries/{id}/replay': 'sends a message again, which is kept',
};
