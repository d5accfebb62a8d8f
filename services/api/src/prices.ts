import { modifiersSchema, priceSchema } from '@meterline/domain/prices';
import { evaluatePrice } from '@meterline/domain/rating';
import { currencySchema } from '@meterline/pipeline/catalog';
import type { HttpServer } from '@meterline/runtime/http';
import { z } from 'zod';

const quantity = z.string().regex(/^\d{1,24}(\.\d{1,12})?$/, 'must be a decimal string such as "12.5", not negative');

const inputSchema = z.strictObject({
  currency: currencySchema,
  price: priceSchema,
  modifiers: modifiersSchema.optional(),
  quantity: quantity.describe('Usage of this part of the billing period'),
  eventsCount: z.union([z.string().regex(/^\d{1,24}$/), z.int().nonnegative()], 'must be a whole number').optional(),
  previousQuantity: quantity.optional().describe('Usage billed earlier in the period: tiers go on from there'),
  previousAmount: quantity.optional().describe('Money billed earlier in the period'),
  periodPosition: z.enum(['first', 'middle', 'last']).optional().describe('Which part of a period billed in parts this is'),
});

const lineSchema = z.object({
  kind: z.string(),
  description: z.string(),
  quantity: z.string().nullable(),
  unitAmount: z.string().nullable(),
  amount: z.string(),
  tier: z.object({ index: z.int(), from: z.string(), upTo: z.string().nullable() }).optional(),
});

const evaluationSchema = z.object({
  amount: z.string(),
  charges: z.string(),
  discounts: z.string(),
  credits: z.string(),
  total: z.string().describe('Rounded to the currency'),
  exactAmount: z.string().describe('Before rounding'),
  lines: z.array(lineSchema),
});

export function priceRoutes(server: HttpServer): void {
  server.post(
    '/v1/prices/evaluate',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What a quantity would cost at a price',
        tags: ['Prices'],
        body: inputSchema,
        response: { 200: evaluationSchema },
      },
    },
    async (request) => {
      const { eventsCount, ...input } = request.body;
      const { lines, ...amounts } = evaluatePrice({ ...input, eventsCount: eventsCount?.toString() });
      return { ...amounts, lines: [...lines] };
    },
  );
}
