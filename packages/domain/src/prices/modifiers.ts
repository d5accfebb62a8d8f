import { z } from 'zod';
import { compare, decimal, ROUNDING_MODES } from '../money/index.ts';
import { dimensionField, notNegativeField, positiveField, strictFields } from './fields.ts';
import { priceSchema } from './price.ts';

const ROUNDING_SCOPES = ['event', 'line', 'charge', 'invoice', 'cumulative'] as const;

const modeField = (name: string) => z.enum(ROUNDING_MODES, { error: `${name} must be one of ${ROUNDING_MODES.join(', ')}` });
const decimalsRule = 'decimals must be a whole number from -12 to 12';

export const percentOffField = notNegativeField('percentOff').refine(
  (text) => compare(decimal(text), decimal('100')) <= 0,
  'percentOff must be at most 100',
);

const weightsSchema = strictFields('weights', {
  dimension: dimensionField('dimension'),
  /** How many units one unit of usage counts as, by the value of the dimension. */
  factors: z.record(z.string(), notNegativeField('factors'), {
    error: 'factors must be an object of dimension value -> decimal string',
  }),
  /** For every other value, and for usage without one. Absent: 1. */
  default: notNegativeField('default').optional(),
});

const unitConversionSchema = strictFields('unitConversion', {
  operation: z.enum(['multiply', 'divide'], { error: 'operation must be "multiply" or "divide"' }),
  factor: positiveField('factor'),
  /** Weighs usage by the value of a dimension, before the factor: a minute of HD counts as four standard minutes. */
  weights: weightsSchema.optional(),
  /**
   * Absent: the exact fraction is priced. A mode alone rounds to whole units, -2 decimals to hundreds; `scope` event rounds every
   * event, total (default) their sum.
   */
  rounding: z
    .union(
      [
        modeField('rounding'),
        strictFields('rounding', {
          mode: modeField('mode'),
          decimals: z.int(decimalsRule).min(-12, decimalsRule).max(12, decimalsRule).optional(),
          scope: z.enum(['event', 'total'], { error: 'scope must be "event" or "total"' }).optional(),
        }),
      ],
      { error: `rounding must be {mode, decimals, scope} or one of ${ROUNDING_MODES.join(', ')}; ${decimalsRule}` },
    )
    .optional(),
});

const allowanceSchema = strictFields('allowance', {
  /** Included units per billing period, in the unit after conversion. */
  units: notNegativeField('units'),
  /** Absent: the price covers only what lies beyond. Present: the price covers the included part, this one the rest. */
  overagePrice: priceSchema.optional(),
  /** Units left unused are added to the next period's, at most `maximumUnits` of them; null is no limit. */
  carryOver: strictFields('carryOver', { maximumUnits: notNegativeField('maximumUnits').nullable() }).optional(),
});

const modifierFields = {
  unitConversion: unitConversionSchema.optional(),
  /** Units per billing period that cost nothing, the earliest first. */
  freeUnits: notNegativeField('freeUnits').optional(),
  allowance: allowanceSchema.optional(),
  percentOff: percentOffField.optional(),
  maximumSpend: notNegativeField('maximumSpend').optional(),
  minimumSpend: notNegativeField('minimumSpend').optional(),
  /** Amounts of money that pay for the charge, consumed in this order. */
  credits: z.array(positiveField('credits'), { error: 'credits must be a list of decimal strings' }).optional(),
  rounding: strictFields('rounding', {
    mode: modeField('mode'),
    /**
     * `charge` (default): once, over the whole charge. `line`: every rated line by itself. `event`: what each event costs.
     * `invoice`: not the charge but the invoice's total. `cumulative`: the charge of the period so far, less what was billed of it.
     */
    scope: z.enum(ROUNDING_SCOPES, { error: `scope must be one of ${ROUNDING_SCOPES.join(', ')}` }).optional(),
  }).optional(),
};

/** What changes a price's outcome, applied in the order of DESIGN: usage first, then money. */
export const modifiersSchema = strictFields('modifiers', modifierFields).check((context) => {
  const { minimumSpend, maximumSpend } = context.value;
  if (minimumSpend === undefined || maximumSpend === undefined) return;
  if (compare(decimal(minimumSpend), decimal(maximumSpend)) <= 0) return;
  const message = 'minimumSpend must not be above maximumSpend';
  context.issues.push({ code: 'custom', path: ['minimumSpend'], message, input: minimumSpend });
});
export type Modifiers = z.infer<typeof modifiersSchema>;

/** Single modifiers in place of those of a rate card; null: in place of none. Those that are absent stay as they are. */
export type ModifierOverrides = { readonly [Name in keyof Modifiers]: Modifiers[Name] | null };
const overrideFields = Object.entries(modifierFields).map(([name, field]) => [name, field.nullable()] as const);
export const modifierOverridesSchema = strictFields('modifiers', Object.fromEntries(overrideFields)) as z.ZodType<
  ModifierOverrides,
  ModifierOverrides
>;
