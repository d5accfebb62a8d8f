import { z } from 'zod';
import { notNegativeField, strictFields } from '../fields.ts';

/** A fee per billing period, whatever is used; `paymentTerm` (default arrears) says in which part of a period billed in parts. */
export const flatSchema = strictFields('flat price', {
  model: z.literal('flat'),
  amount: notNegativeField('amount'),
  paymentTerm: z.enum(['advance', 'arrears'], { error: 'paymentTerm must be "advance" or "arrears"' }).optional(),
});
export type FlatPrice = z.infer<typeof flatSchema>;
