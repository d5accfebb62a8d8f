import { Fault } from '@meterline/domain/faults';
import { evaluatePrice, type Language, type PriceEvaluation } from '@meterline/domain/rating';
import { type HttpServer, zodDetails } from '@meterline/runtime/http';
import { z } from 'zod';
import { type EvaluateBody, priceInputOf, priceInputSchema } from './price-input.ts';
import { languageSchema, ratedLineSchema } from './rated-lines.ts';

const evaluationSchema = z.object({
  amount: z.string(),
  charges: z.string(),
  discounts: z.string(),
  credits: z.string(),
  total: z.string().describe('amount + charges - discounts - credits, rounded to the currency'),
  exactAmount: z.string().describe('Before rounding: what the lines add up to'),
  lines: z.array(ratedLineSchema),
  rounding: ratedLineSchema.nullable().describe('The step from exactAmount to total; null where nothing was left to round'),
});

const BATCH_MAX = 1000;
const batchSchema = z.strictObject({
  items: z
    .array(z.unknown())
    .min(1, 'must hold an item')
    .max(BATCH_MAX, `must be at most ${BATCH_MAX} items`)
    .describe('Each as the body of POST /v1/prices/evaluate'),
});
const errorSchema = z.object({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })),
});
const batchAnswerSchema = z.object({
  results: z
    .array(z.union([z.object({ evaluation: evaluationSchema }), z.object({ error: errorSchema })]))
    .describe('In the order of the items, each with its evaluation or its error'),
});

const querySchema = z.strictObject({ language: languageSchema.optional() });

/** `POST /v1/prices/evaluate` and `/batch`: nothing is stored, and nothing of the catalogue is asked. */
export function priceRoutes(server: HttpServer): void {
  const tags = ['Prices'];

  server.post(
    '/v1/prices/evaluate',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What a quantity would cost at a price',
        tags,
        querystring: querySchema,
        body: priceInputSchema,
        response: { 200: evaluationSchema },
      },
    },
    async ({ body, query }) => evaluation(body, query.language),
  );

  server.post(
    '/v1/prices/evaluate/batch',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What many quantities would cost, each at its own price',
        description: 'An item that is wrong has its own error and leaves the others alone.',
        tags,
        querystring: querySchema,
        body: batchSchema,
        response: { 200: batchAnswerSchema },
      },
    },
    async ({ body, query }) => ({ results: body.items.map((item) => result(item, query.language)) }),
  );
}

/** The language of the query; the field of the body goes before it. */
function evaluation(body: EvaluateBody, language: Language = 'en'): z.input<typeof evaluationSchema> {
  return shown(evaluatePrice(priceInputOf(body), body.language ?? language));
}

function result(item: unknown, language: Language | undefined): z.input<typeof batchAnswerSchema>['results'][number] {
  const parsed = priceInputSchema.safeParse(item);
  if (!parsed.success) {
    return { error: { code: 'request.invalid', detail: 'The item is not valid.', errors: zodDetails(parsed.error) } };
  }
  try {
    return { evaluation: evaluation(parsed.data, language) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { error: { code: error.code, detail: error.message, errors: [...error.errors] } };
  }
}

function shown({ lines, ...amounts }: PriceEvaluation): z.input<typeof evaluationSchema> {
  return { ...amounts, lines: [...lines] };
}
