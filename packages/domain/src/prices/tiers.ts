import { z } from 'zod';
import { compare, decimal } from '../money/index.ts';
import { notNegativeField, positiveField, strictFields } from './fields.ts';

/** A band of usage: above the previous tier's `upTo` (0 for the first), up to and including its own; null is open. */
const tierSchema = strictFields('tier', {
  upTo: positiveField('upTo').nullable(),
  unitAmount: notNegativeField('unitAmount'),
  /** Charged once when the tier is entered. */
  flatAmount: notNegativeField('flatAmount').optional(),
});
export type Tier = z.infer<typeof tierSchema>;

const rateTierSchema = strictFields('tier', {
  upTo: positiveField('upTo').nullable(),
  /** Percent. */
  rate: notNegativeField('rate'),
  flatAmount: notNegativeField('flatAmount').optional(),
});
export type RateTier = z.infer<typeof rateTierSchema>;

export const tiersField = tierListField(tierSchema);
export const rateTiersField = tierListField(rateTierSchema);

interface Bounded {
  readonly upTo: string | null;
}

/** At least one tier, `upTo` strictly ascending, exactly the last one open. */
function tierListField<Schema extends z.ZodType<Bounded>>(schema: Schema) {
  return z
    .array(schema, { error: 'tiers must be a list of tiers' })
    .min(1, 'tiers must have at least one tier')
    .max(100, 'tiers must have at most 100 tiers')
    .check((context) => {
      for (const [index, message] of faultsOf(context.value)) {
        context.issues.push({ code: 'custom', path: [index, 'upTo'], message, input: context.value[index]?.upTo });
      }
    });
}

function* faultsOf(tiers: readonly Bounded[]): Generator<[number, string]> {
  let previous: string | null = null;
  for (const [index, { upTo }] of tiers.entries()) {
    const last = index === tiers.length - 1;
    if (last && upTo !== null) yield [index, 'upTo of the last tier must be null (open)'];
    if (!last && upTo === null) yield [index, 'upTo may be null only in the last tier'];
    if (upTo === null) continue;
    if (previous !== null && compare(decimal(upTo), decimal(previous)) <= 0) {
      yield [index, `upTo must be above the previous tier's ${previous}`];
    }
    previous = upTo;
  }
}
