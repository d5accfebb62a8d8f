import { LANGUAGES } from '@meterline/domain/rating';
import { z } from 'zod';

const decimalText = z.string().describe('Exact decimal');

/** How one amount came about, for people and for machines. */
export const ratedLineSchema = z.object({
  kind: z.string(),
  description: z.string().describe('A sentence made of the fields beside it'),
  quantity: decimalText.nullable(),
  unitAmount: decimalText.nullable(),
  amount: decimalText.describe('Not rounded'),
  tier: z.object({ index: z.int(), from: decimalText, upTo: decimalText.nullable() }).optional(),
  facts: z
    .looseObject({ type: z.string() })
    .optional()
    .describe('What the sentence says beside quantity, unitAmount, amount and tier'),
  context: z
    .object({
      overage: z.literal(true).optional(),
      takenBack: z.literal(true).optional(),
      group: z.record(z.string(), z.string()).optional(),
      roundedFrom: decimalText.optional(),
      version: z.int().optional(),
    })
    .optional()
    .describe('Where in the charge the line belongs'),
});

export const languageSchema = z
  .enum(LANGUAGES, `must be one of ${LANGUAGES.join(', ')}`)
  .describe('Of the descriptions; default en');
