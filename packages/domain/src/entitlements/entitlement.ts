import { z } from 'zod';
import { notNegativeField, strictFields } from '../prices/fields.ts';

/** Over what time a metered entitlement counts before it begins anew. */
export const ENTITLEMENT_PERIODS = ['billing_period', 'day', 'week', 'month'] as const;
export type EntitlementPeriod = (typeof ENTITLEMENT_PERIODS)[number];

const CONFIG_LENGTH_MAX = 10_000;
const WARNINGS_MAX = 20;
/** Beyond 100 for soft limits: usage goes on, and somebody wants to know. */
const WARN_AT_PERCENT_MAX = 1000;

const booleanSchema = strictFields('entitlement', { type: z.literal('boolean') });

const staticSchema = strictFields('entitlement', {
  type: z.literal('static'),
  value: z
    .string({ error: 'value must be JSON in a string such as "{\\"seats\\":5}"' })
    .max(CONFIG_LENGTH_MAX, `value must have at most ${CONFIG_LENGTH_MAX} characters`)
    .refine(isJson, 'value must be JSON in a string such as "{\\"seats\\":5}"')
    .describe('JSON, as text: handed to whoever asks as it is'),
});

const meteredSchema = strictFields('entitlement', {
  type: z.literal('metered'),
  limit: notNegativeField('limit').nullable().describe("In the feature's meter's unit, for each period; null is unlimited"),
  period: z
    .enum(ENTITLEMENT_PERIODS)
    .optional()
    .describe('After what time usage counts from zero again; the billing period unless given, the others by the calendar'),
  softLimit: z.boolean().optional().describe('Access goes on beyond the limit; usage beyond it is overage'),
  warnAtPercent: z
    .array(z.int().min(1).max(WARN_AT_PERCENT_MAX))
    .max(WARNINGS_MAX)
    .optional()
    .describe('Of the limit; each is told once a period when usage reaches it. The limit itself always is'),
}).check((context) => {
  const { limit, warnAtPercent = [], softLimit } = context.value;
  const fault = (path: string, message: string) =>
    context.issues.push({ code: 'custom', path: [path], message, input: context.value });
  if (new Set(warnAtPercent).size < warnAtPercent.length) fault('warnAtPercent', 'warnAtPercent must name each level once');
  if (limit === null && warnAtPercent.length > 0) fault('warnAtPercent', 'warnAtPercent needs a limit');
  if (limit === null && softLimit !== undefined) fault('softLimit', 'softLimit needs a limit');
});

/** What a plan allows of a feature. */
export const entitlementSchema = z.discriminatedUnion('type', [booleanSchema, staticSchema, meteredSchema]);
export type Entitlement = z.infer<typeof entitlementSchema>;
export type MeteredEntitlement = Extract<Entitlement, { readonly type: 'metered' }>;

/** A feature of a plan version, and what the plan allows of it; with an add-on, what each one of that allows beside. */
export interface PlanFeature {
  readonly feature: string;
  readonly entitlement: Entitlement;
  /** Key of a rate card with a flat price: the quantity of it that is subscribed says how many times this is allowed. */
  readonly addOn?: string | undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
