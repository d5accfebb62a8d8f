import { z } from 'zod';
import { notNegativeField, strictFields } from '../fields.ts';

/** Usage is an amount of money already; it is charged times the multiplier. */
export const dynamicSchema = strictFields('dynamic price', {
  model: z.literal('dynamic'),
  multiplier: notNegativeField('multiplier'),
});
export type DynamicPrice = z.infer<typeof dynamicSchema>;
