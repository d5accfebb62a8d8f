import { commitmentSchema } from '@meterline/domain/commitments';
import { Fault } from '@meterline/domain/faults';
import { invoiceThresholdsSchema, UNUSED_TIME } from '@meterline/domain/invoices';
import { phasesSchema } from '@meterline/domain/phases';
import { rateCardSchema } from '@meterline/domain/prices';
import { changeRulesSchema } from '@meterline/domain/stages';
import { billingPeriodSchema } from '@meterline/domain/subscriptions';
import { z } from 'zod';
import type {
  FeatureStore,
  MeterStore,
  Page,
  PageRequest,
  PlanRecord,
  PlanStore,
  PlanVersionRecord,
  TenantClock,
} from '../ports/index.ts';
import { currencySchema, keySchema, nameSchema } from './fields.ts';
import { planFeaturesSchema } from './plan-features.ts';
import { refuseUnfit } from './unfit-version.ts';

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

export const unusedTimeSchema = z
  .enum(UNUSED_TIME)
  .describe(
    'What becomes of time that was paid in advance and lies after the end of a subscription: `credit` pays next invoices, `refund` is to be paid back',
  );
const changeRulesField = changeRulesSchema.optional().describe('What it asks of changes of the subscriptions under it');
const phasesField = phasesSchema
  .optional()
  .describe('What subscriptions begin with, one after the other; then the version is as it says otherwise');
const commitmentField = commitmentSchema.optional().describe('What each subscription spends at least or at most');

const thresholdsField = invoiceThresholdsSchema
  .optional()
  .describe('Amounts at which what a subscription owes for a billing period so far is invoiced, before the period ends');

const draftField = z.boolean().optional().describe('A draft may change until it is published, and takes no subscriptions');

export const newPlanSchema = z.strictObject({
  key: keySchema,
  name: nameSchema,
  currency: currencySchema,
  billingPeriod: billingPeriodSchema,
  rateCards: rateCardsSchema,
  commitment: commitmentField,
  features: planFeaturesSchema,
  draft: draftField,
  unusedTime: unusedTimeSchema.default('credit'),
  changeRules: changeRulesField,
  phases: phasesField,
  invoiceThresholds: thresholdsField,
});
export type NewPlan = z.output<typeof newPlanSchema>;

export const newPlanVersionSchema = z.strictObject({
  rateCards: rateCardsSchema,
  commitment: commitmentField,
  features: planFeaturesSchema,
  draft: draftField,
  unusedTime: unusedTimeSchema.default('credit'),
  changeRules: changeRulesField,
  phases: phasesField,
  invoiceThresholds: thresholdsField,
});
export type NewPlanVersion = z.output<typeof newPlanVersionSchema>;

const planUnknown = (key: string): Fault => new Fault('not_found', 'plan.unknown', `There is no plan "${key}".`);

export const planArchived = (key: string): Fault =>
  new Fault('conflict', 'plan.archived', `Plan "${key}" is archived: it takes no new versions.`);

export interface PlanCatalog {
  create(input: NewPlan, tenant: string): Promise<PlanRecord>;
  /** Subscriptions that have begun keep their version. */
  addVersion(key: string, input: NewPlanVersion, tenant: string): Promise<PlanRecord>;
  archive(key: string, tenant: string): Promise<PlanRecord>;
  get(key: string, tenant: string): Promise<PlanRecord>;
  list(request: PageRequest, tenant: string): Promise<Page<PlanRecord>>;
  versions(key: string, request: PageRequest, tenant: string): Promise<Page<PlanVersionRecord>>;
}

interface Ports {
  readonly plans: PlanStore;
  readonly meters: MeterStore;
  readonly features: FeatureStore;
  readonly clock: TenantClock;
}

export function planCatalog({ plans, meters, features, clock }: Ports): PlanCatalog {
  async function get(key: string, tenant: string): Promise<PlanRecord> {
    const plan = await plans.byKey(key, tenant);
    if (plan === undefined) throw planUnknown(key);
    return plan;
  }

  return {
    get,
    list: (request, tenant) => plans.page(request, tenant),

    async create(input, tenant) {
      await refuseUnfit(input, input, { meters, features, plans }, tenant);
      const plan = await plans.insert(input, await clock.nowMs(tenant), tenant);
      if (plan !== undefined) return plan;
      throw new Fault('conflict', 'plan.key_taken', `There is a plan "${input.key}" already.`, {
        errors: [{ path: 'key', message: 'is taken' }],
      });
    },

    async addVersion(key, input, tenant) {
      await refuseUnfit(input, await get(key, tenant), { meters, features, plans }, tenant);
      const plan = await plans.addVersion(key, input, await clock.nowMs(tenant), tenant);
      if (plan === undefined) throw planArchived(key);
      if (plan !== 'draft_exists') return plan;
      throw new Fault(
        'conflict',
        'plan.draft_exists',
        `Plan "${key}" has a draft: publish it, or archive it, before there is another version.`,
      );
    },

    async archive(key, tenant) {
      const plan = await plans.archive(key, await clock.nowMs(tenant), tenant);
      if (plan === undefined) throw planUnknown(key);
      return plan;
    },

    async versions(key, request, tenant) {
      await get(key, tenant);
      return plans.versions(key, request, tenant);
    },
  };
}
