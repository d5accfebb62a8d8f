import { z } from 'zod';
import { strictFields } from '../fields.ts';
import { tiersField } from '../tiers.ts';

/** Every unit costs what the tier it falls into says. */
export const graduatedSchema = strictFields('graduated price', { model: z.literal('graduated'), tiers: tiersField });
export type GraduatedPrice = z.infer<typeof graduatedSchema>;
