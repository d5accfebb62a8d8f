import { z } from 'zod';
import { notNegativeField, strictFields } from '../fields.ts';

/**
 * A fee, whatever is used. `paymentTerm` (default arrears) says in which part of a period billed in parts; `interval` (default
 * period) whether every billing period pays it, by its days, or the subscription's first one alone, and whole. `quantity` (default 1)
 * is how many of them, which a subscription may say otherwise.
 */
export const flatSchema = strictFields('flat price', {
  model: z.literal('flat'),
  amount: notNegativeField('amount'),
  paymentTerm: z.enum(['advance', 'arrears'], { error: 'paymentTerm must be "advance" or "arrears"' }).optional(),
  interval: z.enum(['period', 'once'], { error: 'interval must be "period" or "once"' }).optional(),
  quantity: notNegativeField('quantity').optional(),
});
export type FlatPrice = z.infer<typeof flatSchema>;
