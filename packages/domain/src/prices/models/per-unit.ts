import { z } from 'zod';
import { notNegativeField, strictFields } from '../fields.ts';

/** The same amount for every unit. */
export const perUnitSchema = strictFields('per_unit price', {
  model: z.literal('per_unit'),
  unitAmount: notNegativeField('unitAmount'),
});
export type PerUnitPrice = z.infer<typeof perUnitSchema>;
