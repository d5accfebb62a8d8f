import { z } from 'zod';
import { compare, decimal, ROUNDING_MODES } from '../money/index.ts';
import { notNegativeField, positiveField, strictFields } from './fields.ts';
import { priceSchema } from './price.ts';

const modeField = (name: string) => z.enum(ROUNDING_MODES, { error: `${name} must be one of ${ROUNDING_MODES.join(', ')}` });
const decimalsRule = 'decimals must be a whole number from 0 to 12';

const unitConversionSchema = strictFields('unitConversion', {
  operation: z.enum(['multiply', 'divide'], { error: 'operation must be "multiply" or "divide"' }),
  factor: positiveField('factor'),
  /** Absent: the exact fraction is priced. A mode alone rounds to whole units. */
  rounding: z
    .union(
      [
        modeField('rounding'),
        strictFields('rounding', {
          mode: modeField('mode'),
          decimals: z.int(decimalsRule).min(0, decimalsRule).max(12, decimalsRule),
        }),
      ],
      { error: `rounding must be {mode, decimals} or one of ${ROUNDING_MODES.join(', ')}; ${decimalsRule}` },
    )
    .optional(),
});

const allowanceSchema = strictFields('allowance', {
  /** Included units per billing period, in the unit after conversion. */
  units: notNegativeField('units'),
  /** Absent: the price covers only what lies beyond. Present: the price covers the included part, this one the rest. */
  overagePrice: priceSchema.optional(),
});

/** What changes a price's outcome, applied in the order of DESIGN: usage first, then money. */
export const modifiersSchema = strictFields('modifiers', {
  unitConversion: unitConversionSchema.optional(),
  /** Units per billing period that cost nothing, the earliest first. */
  freeUnits: notNegativeField('freeUnits').optional(),
  allowance: allowanceSchema.optional(),
  percentOff: notNegativeField('percentOff')
    .refine((text) => compare(decimal(text), decimal('100')) <= 0, 'percentOff must be at most 100')
    .optional(),
  maximumSpend: notNegativeField('maximumSpend').optional(),
  minimumSpend: notNegativeField('minimumSpend').optional(),
  /** Amounts of money that pay for the charge, consumed in this order. */
  credits: z.array(positiveField('credits'), { error: 'credits must be a list of decimal strings' }).optional(),
  rounding: strictFields('rounding', {
    mode: modeField('mode'),
    /** `charge` (default): once, over the whole charge. `line`: every rated line by itself. */
    scope: z.enum(['charge', 'line'], { error: 'scope must be "charge" or "line"' }).optional(),
  }).optional(),
}).check((context) => {
  const { minimumSpend, maximumSpend } = context.value;
  if (minimumSpend === undefined || maximumSpend === undefined) return;
  if (compare(decimal(minimumSpend), decimal(maximumSpend)) <= 0) return;
  const message = 'minimumSpend must not be above maximumSpend';
  context.issues.push({ code: 'custom', path: ['minimumSpend'], message, input: minimumSpend });
});
export type Modifiers = z.infer<typeof modifiersSchema>;
