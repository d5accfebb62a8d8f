import { z } from 'zod';
import { strictFields } from '../fields.ts';
import { tiersField } from '../tiers.ts';

/** All units cost what the tier of their total says. */
export const volumeSchema = strictFields('volume price', { model: z.literal('volume'), tiers: tiersField });
export type VolumePrice = z.infer<typeof volumeSchema>;
