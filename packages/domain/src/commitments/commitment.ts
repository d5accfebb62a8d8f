import { z } from 'zod';
import { compare, decimal } from '../money/index.ts';
import { positiveField, strictFields } from '../prices/fields.ts';

/**
 * What a subscription spends at least or at most, over all its lines, in each of its billing periods or in each year of them. Parts of a
 * period or year pay their share, by local days.
 */
export const commitmentSchema = strictFields('commitment', {
  minimumSpend: positiveField('minimumSpend').optional(),
  maximumSpend: positiveField('maximumSpend').optional(),
  every: z.enum(['period', 'year'], { error: 'every must be "period" or "year"' }),
  /**
   * When spend is raised to the minimum. `period_end` (default): with each billing period, to the days that have gone by. `term_end`: once, with
   * the last period. `in_advance`: the minimum is invoiced when the term begins, and what is used is drawn from it.
   */
  trueUp: z
    .enum(['period_end', 'term_end', 'in_advance'], { error: 'trueUp must be "period_end", "term_end" or "in_advance"' })
    .optional(),
}).check((context) => {
  const { minimumSpend: minimum, maximumSpend: maximum, trueUp } = context.value;
  const fault = (path: string, message: string) =>
    context.issues.push({ code: 'custom', path: [path], message, input: context.value });
  if (minimum === undefined && maximum === undefined)
    fault('minimumSpend', 'a commitment has a minimumSpend, a maximumSpend or both');
  if (minimum === undefined && maximum !== undefined && trueUp !== undefined) fault('trueUp', 'trueUp needs a minimumSpend');
  if (minimum !== undefined && maximum !== undefined && compare(decimal(minimum), decimal(maximum)) > 0)
    fault('minimumSpend', 'minimumSpend must not be above maximumSpend');
});
export type Commitment = z.infer<typeof commitmentSchema>;
