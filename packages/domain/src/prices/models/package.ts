import { z } from 'zod';
import { notNegativeField, positiveField, strictFields } from '../fields.ts';

/** Blocks of `packageSize` units; a block begun counts whole (`up`, the default), not at all (`down`) or by its share (`prorated`). */
export const packageSchema = strictFields('package price', {
  model: z.literal('package'),
  packageSize: positiveField('packageSize'),
  packageAmount: notNegativeField('packageAmount'),
  freeUnits: notNegativeField('freeUnits').optional(),
  blocks: z.enum(['up', 'down', 'prorated'], { error: 'blocks must be "up", "down" or "prorated"' }).optional(),
});
export type PackagePrice = z.infer<typeof packageSchema>;
