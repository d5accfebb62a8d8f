import { commitmentSchema } from '@meterline/domain/commitments';
import { Fault } from '@meterline/domain/faults';
import { rateCardSchema } from '@meterline/domain/prices';
import { changeRulesSchema } from '@meterline/domain/stages';
import { billingPeriodSchema } from '@meterline/domain/subscriptions';
import { z } from 'zod';
import type { Clock, MeterStore, Page, PageRequest, PlanRecord, PlanStore, PlanVersionRecord } from '../ports/index.ts';
import { currencySchema, keySchema, nameSchema } from './fields.ts';
import { refuseUnmetered } from './metered-cards.ts';

const RATE_CARDS_MAX = 200;

const rateCardsSchema = z
  .array(rateCardSchema)
  .min(1, 'must hold a rate card')
  .max(RATE_CARDS_MAX, `must be at most ${RATE_CARDS_MAX} rate cards`)
  .superRefine((cards, context) => {
    const seen = new Set<string>();
    for (const [index, card] of cards.entries()) {
      if (seen.has(card.key))
        context.addIssue({ code: 'custom', path: [index, 'key'], message: `"${card.key}" is the key of another rate card` });
      seen.add(card.key);
    }
  });

const changeRulesField = changeRulesSchema.optional().describe('What it asks of changes of the subscriptions under it');
const commitmentField = commitmentSchema.optional().describe('What each subscription spends at least or at most');

export const newPlanSchema = z.strictObject({
  key: keySchema,
  name: nameSchema,
  currency: currencySchema,
  billingPeriod: billingPeriodSchema,
  rateCards: rateCardsSchema,
  commitment: commitmentField,
  changeRules: changeRulesField,
});
export type NewPlan = z.output<typeof newPlanSchema>;

export const newPlanVersionSchema = z.strictObject({
  rateCards: rateCardsSchema,
  commitment: commitmentField,
  changeRules: changeRulesField,
});
export type NewPlanVersion = z.output<typeof newPlanVersionSchema>;

const planUnknown = (key: string): Fault => new Fault('not_found', 'plan.unknown', `There is no plan "${key}".`);

export interface PlanCatalog {
  create(input: NewPlan, tenant: string): Promise<PlanRecord>;
  /** Subscriptions that have begun keep their version. */
  addVersion(key: string, input: NewPlanVersion, tenant: string): Promise<PlanRecord>;
  archive(key: string, tenant: string): Promise<PlanRecord>;
  get(key: string, tenant: string): Promise<PlanRecord>;
  list(request: PageRequest, tenant: string): Promise<Page<PlanRecord>>;
  versions(key: string, request: PageRequest, tenant: string): Promise<Page<PlanVersionRecord>>;
}

export function planCatalog({ plans, meters, clock }: { plans: PlanStore; meters: MeterStore; clock: Clock }): PlanCatalog {
  async function get(key: string, tenant: string): Promise<PlanRecord> {
    const plan = await plans.byKey(key, tenant);
    if (plan === undefined) throw planUnknown(key);
    return plan;
  }

  return {
    get,
    list: (request, tenant) => plans.page(request, tenant),

    async create(input, tenant) {
      await refuseUnmetered(input.rateCards, meters, tenant);
      const plan = await plans.insert(input, clock.nowMs(), tenant);
      if (plan !== undefined) return plan;
      throw new Fault('conflict', 'plan.key_taken', `There is a plan "${input.key}" already.`, {
        errors: [{ path: 'key', message: 'is taken' }],
      });
    },

    async addVersion(key, input, tenant) {
      await get(key, tenant);
      await refuseUnmetered(input.rateCards, meters, tenant);
      const plan = await plans.addVersion(key, input, clock.nowMs(), tenant);
      if (plan === undefined)
        throw new Fault('conflict', 'plan.archived', `Plan "${key}" is archived: it takes no new versions.`);
      return plan;
    },

    async archive(key, tenant) {
      const plan = await plans.archive(key, clock.nowMs(), tenant);
      if (plan === undefined) throw planUnknown(key);
      return plan;
    },

    async versions(key, request, tenant) {
      await get(key, tenant);
      return plans.versions(key, request, tenant);
    },
  };
}
