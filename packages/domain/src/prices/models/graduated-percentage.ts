import { z } from 'zod';
import { strictFields } from '../fields.ts';
import { rateTiersField } from '../tiers.ts';

/** Usage is money; each part of it pays the percentage of the tier it falls into. */
export const graduatedPercentageSchema = strictFields('graduated_percentage price', {
  model: z.literal('graduated_percentage'),
  tiers: rateTiersField,
});
export type GraduatedPercentagePrice = z.infer<typeof graduatedPercentageSchema>;
