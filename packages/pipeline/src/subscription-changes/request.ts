import { commitmentSchema } from '@meterline/domain/commitments';
import { z } from 'zod';
import { instantSchema, keySchema, quantitiesSchema, trialField } from '../catalog/index.ts';

const at = z
  .union([z.enum(['now', 'period_end']), instantSchema], { error: 'must be "now", "period_end" or an RFC 3339 instant' })
  .optional()
  .describe('When it takes effect, with the whole local day; default now. `cancel` bills through that day');
const until = instantSchema
  .optional()
  .describe('From this local day on it is as it would be without the change; default: for good');
const version = z.int().min(1).optional().describe('Default the latest');

const changes = [
  z.strictObject({
    kind: z.literal('plan'),
    plan: keySchema,
    version,
    commitment: commitmentSchema.nullish().describe('Absent: as the plan version says; null: nothing'),
    quantities: quantitiesSchema.optional(),
    trial: trialField,
    at,
    until,
  }),
  z.strictObject({ kind: z.literal('quantity'), quantities: quantitiesSchema, at, until }),
  z.strictObject({ kind: z.literal('pause'), at, until }),
  z.strictObject({ kind: z.literal('resume'), at }),
  z.strictObject({ kind: z.literal('cancel'), at }),
  z.strictObject({
    kind: z.literal('resubscribe'),
    plan: keySchema.optional().describe('Default the one that it had'),
    version: z.int().min(1).optional().describe('Default the one that it had, of another plan the latest'),
    trial: trialField,
    at,
  }),
  z
    .strictObject({
      kind: z.literal('trial'),
      ends: z
        .union([z.literal('now'), instantSchema], { error: 'must be "now" or an RFC 3339 instant' })
        .optional()
        .describe('The first local day behind the trial. `now` begins what is paid with today'),
      converts: z.literal(true).optional().describe('The next phase follows the trial'),
    })
    .refine(({ ends, converts }) => ends !== undefined || converts !== undefined, 'must say ends, converts or both'),
] as const;

/** What is asked for. */
export const changeRequestSchema = z.discriminatedUnion('kind', changes);
export type ChangeRequest = z.output<typeof changeRequestSchema>;

/** The same, or a preview of it by its token. */
export const changeOrTokenSchema = z.union([
  changeRequestSchema,
  z.strictObject({ token: z.string().max(16_384).describe('Of a preview: does exactly what it showed, or nothing') }),
]);
export type ChangeOrToken = z.output<typeof changeOrTokenSchema>;
