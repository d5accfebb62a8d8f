import { commitmentSchema } from '@meterline/domain/commitments';
import { Fault } from '@meterline/domain/faults';
import { localDateAt, startOfDateMs, startOfLocalDay } from '@meterline/domain/time';
import type { RateCard } from '@meterline/domain/prices';
import type { Quantities } from '@meterline/domain/stages';
import { z } from 'zod';
import { newId } from '../ids/index.ts';
import type { CustomerRecord, CustomerStore, Page, PageRequest, PlanRecord, PlanStore, TenantClock } from '../ports/index.ts';
import type { StageRecord, SubscriptionRecord, SubscriptionStore } from '../ports/index.ts';
import { phasedStart } from '../stages/index.ts';
import { instantMs, instantSchema, keySchema } from './fields.ts';

export const quantitiesSchema = z
  .record(
    z.string().min(1).max(128),
    z
      .string()
      .regex(/^\d{1,15}(\.\d{1,12})?$/, 'must be how many: a decimal, not below zero')
      .meta({ description: 'Exact decimal' }),
  )
  .describe('How many of the flat fee of a rate card, by its key; of the others, one');

export const trialField = z
  .boolean()
  .optional()
  .describe('Whether it begins with the trial of the plan; unless given, once for each customer and plan');

export const newSubscriptionSchema = z.strictObject({
  customer: keySchema,
  plan: keySchema,
  startsAt: instantSchema.optional().describe('Billed from the local day of this instant on; now unless given'),
  quantities: quantitiesSchema.optional(),
  trial: trialField,
  commitment: commitmentSchema
    .nullish()
    .describe(
      'What it spends at least or at most; absent: as the plan version says; null: nothing, whatever the plan version says',
    ),
});
export type NewSubscription = z.output<typeof newSubscriptionSchema>;

export const subscriptionEndSchema = z.strictObject({
  at: instantSchema.optional().describe('Billed through the local day of this instant; now unless given'),
});
export type SubscriptionEnd = z.output<typeof subscriptionEndSchema>;

export interface SubscriptionCatalog {
  create(input: NewSubscription, tenant: string): Promise<SubscriptionRecord>;
  end(id: string, input: SubscriptionEnd, tenant: string): Promise<SubscriptionRecord>;
  get(id: string, tenant: string): Promise<SubscriptionRecord>;
  list(
    request: PageRequest & { customer?: string | undefined; plan?: string | undefined },
    tenant: string,
  ): Promise<Page<SubscriptionRecord>>;
}

interface Ports {
  readonly subscriptions: SubscriptionStore;
  readonly customers: CustomerStore;
  readonly plans: PlanStore;
  readonly clock: TenantClock;
}

export function subscriptionCatalog({ subscriptions, customers, plans, clock }: Ports): SubscriptionCatalog {
  async function get(id: string, tenant: string): Promise<SubscriptionRecord> {
    const subscription = await subscriptions.byId(id, tenant);
    if (subscription === undefined) throw new Fault('not_found', 'subscription.unknown', `There is no subscription "${id}".`);
    return subscription;
  }

  return {
    get,

    async create(input, tenant) {
      const customer = await customers.byKey(input.customer, tenant);
      const plan = await plans.byKey(input.plan, tenant);
      const nowMs = await clock.nowMs(tenant);
      const agreed = agreeing(customer, plan, input);
      refuseUncountable(input.quantities ?? {}, agreed.plan);
      const startsAtMs = instantMs(input.startsAt) ?? nowMs;
      const terms = {
        plan: agreed.plan.key,
        planVersion: agreed.plan.version,
        commitment: input.commitment === undefined ? agreed.plan.commitment : input.commitment,
      };
      const { quantities, trial } = input;
      const phased = await phasedStart({ subscriptions, plans }, agreed, { terms, startsAtMs, quantities, trial, nowMs }, tenant);
      const subscription = await subscriptions.insert(
        { id: newId('sub', nowMs), customer: agreed.customer.key, ...terms, startsAtMs, quantities, phased },
        { startDayMs: startOfLocalDay(startsAtMs, agreed.customer.timezone), nowMs },
        tenant,
      );
      if (subscription === 'outdated') return this.create(input, tenant);
      if (subscription !== 'overlaps') return subscription;
      throw new Fault(
        'conflict',
        'subscription.overlaps',
        `Customer "${input.customer}" has a subscription to plan "${input.plan}", or to one that may follow its trial, in that time.`,
        {
          errors: [{ path: 'startsAt', message: 'must be on a day after the other subscription to this plan has ended' }],
        },
      );
    },

    async end(id, input, tenant) {
      const nowMs = await clock.nowMs(tenant);
      const subscription = await get(id, tenant);
      const endsAtMs = instantMs(input.at) ?? nowMs;
      // What has not begun yet can be called off: it ends before it starts and is never billed.
      if (endsAtMs < subscription.startsAtMs && subscription.startsAtMs <= nowMs) {
        throw new Fault('invalid', 'subscription.end_before_start', 'A subscription cannot end before it started.', {
          errors: [{ path: 'at', message: 'must not be before startsAt' }],
        });
      }
      const customer = await customers.byKey(subscription.customer, tenant);
      if (customer === undefined) throw new Error(`subscription ${id} has no customer`);
      const billedUntilMs = startOfDateMs(localDateAt(endsAtMs, customer.timezone) + 1, customer.timezone);
      return ended(await subscriptions.end(id, { endsAtMs, billedUntilMs, nowMs }, tenant), id);
    },

    list: (request, tenant) => subscriptions.page(request, tenant),
  };
}

/** What a subscription is at an instant: the stage then; before its first one that, and where it has ended the last one. */
export function stageAt({ stages }: Pick<SubscriptionRecord, 'stages'>, atMs: number): StageRecord {
  const stage = stages.findLast(({ fromMs }) => fromMs <= atMs) ?? stages[0];
  if (stage === undefined) throw new Error('a subscription has no stage');
  return stage;
}

/** The customer and the plan, if they can go together; otherwise everything that is wrong. */
function agreeing(
  customer: CustomerRecord | undefined,
  plan: PlanRecord | undefined,
  input: NewSubscription,
): { customer: CustomerRecord; plan: PlanRecord } {
  if (customer === undefined || plan === undefined) {
    const errors = [];
    if (customer === undefined) errors.push({ path: 'customer', message: `there is no customer "${input.customer}"` });
    if (plan === undefined) errors.push({ path: 'plan', message: `there is no plan "${input.plan}"` });
    const code = customer === undefined ? 'customer.unknown' : 'plan.unknown';
    throw new Fault('invalid', code, 'A subscription joins a customer and a plan that exist.', { errors });
  }
  if (plan.archivedAtMs !== null) {
    throw new Fault('conflict', 'plan.archived', `Plan "${plan.key}" is archived.`, {
      errors: [{ path: 'plan', message: 'takes no new subscriptions' }],
    });
  }
  if (plan.draft) {
    throw new Fault('conflict', 'plan.draft', `Plan "${plan.key}" is a draft.`, {
      errors: [{ path: 'plan', message: 'takes no subscriptions before it is published' }],
    });
  }
  if (plan.currency !== customer.currency) {
    throw new Fault('invalid', 'subscription.currency_mismatch', 'A customer and its plans have the same currency.', {
      errors: [{ path: 'plan', message: `is in ${plan.currency}, the customer in ${customer.currency}` }],
    });
  }
  return { customer, plan };
}

/** Only a flat fee can be had more than once. Fails with `subscription.quantity_not_flat`. */
export function refuseUncountable(quantities: Quantities, { plan, key = plan, rateCards }: CountedPlan): void {
  const isFlat = (card: string) => rateCards.some((each) => each.key === card && each.price.model === 'flat');
  const errors = Object.keys(quantities)
    .filter((card) => !isFlat(card))
    .map((card) => ({ path: `quantities.${card}`, message: `plan "${key ?? ''}" has no rate card "${card}" with a flat price` }));
  if (errors.length === 0) return;
  throw new Fault('invalid', 'subscription.quantity_not_flat', 'Only flat fees of the plan are counted.', { errors });
}

interface CountedPlan {
  readonly key?: string;
  readonly plan?: string;
  readonly rateCards: readonly RateCard[];
}

function ended(result: SubscriptionRecord | 'unknown' | 'ended' | 'invoiced', id: string): SubscriptionRecord {
  if (typeof result === 'object') return result;
  switch (result) {
    case 'unknown':
      throw new Fault('not_found', 'subscription.unknown', `There is no subscription "${id}".`);
    case 'ended':
      throw new Fault('conflict', 'subscription.ended', 'The subscription has ended already.');
    case 'invoiced':
      throw new Fault('conflict', 'subscription.invoiced', 'An invoice was issued for days after that.', {
        errors: [{ path: 'at', message: 'must not be before the end of the last invoiced period' }],
      });
  }
}
