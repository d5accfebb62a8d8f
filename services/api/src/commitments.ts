import { type CommitmentSettlement, commitmentSchema, SETTLEMENT_KINDS } from '@meterline/domain/commitments';
import { z } from 'zod';
import { instantAnswer } from './fields.ts';

const money = z.string().describe("Exact decimal with the currency's digits");
const byKind = z.object({ fee: money, cap: money, drawdown: money, true_up: money });

/** What a commitment adds to live spend. */
export const settlementSchema = z.object({
  commitment: commitmentSchema,
  term: z.object({ from: instantAnswer, to: instantAnswer, days: z.int(), daysInTerm: z.int() }),
  elapsedDays: z.int().describe('Local days of the term up to the end of the billing period'),
  minimum: money.nullable().describe('Of the days of the term'),
  maximum: money.nullable().describe('Of the days of the term'),
  spend: money.describe('Of the term so far, before the commitment'),
  due: byKind.describe('By kind, for the term so far'),
  settledBefore: byKind.describe('What of it earlier periods settled'),
  remaining: money.nullable().describe('Of a minimum paid in advance: what is not drawn yet'),
  lines: z.array(
    z.object({
      kind: z.enum(SETTLEMENT_KINDS),
      description: z.string(),
      amount: money,
      shares: z
        .array(z.object({ key: z.string(), amount: money }))
        .optional()
        .describe('Of a cap: how the lines share it'),
    }),
  ),
});

export const showSettlement = ({ lines, ...settlement }: CommitmentSettlement): z.input<typeof settlementSchema> => ({
  ...settlement,
  lines: lines.map(({ shares, ...line }) => ({ ...line, ...(shares && { shares: [...shares] }) })),
});
