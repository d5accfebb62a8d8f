import { modifierOverridesSchema, priceSchema } from '@meterline/domain/prices';
import { formatInstant } from '@meterline/domain/time';
import {
  instantMs,
  instantSchema,
  type NegotiatedPriceCatalog,
  type NegotiatedPriceRecord,
  negotiatedEndSchema,
  newNegotiatedPriceSchema,
  text,
} from '@meterline/pipeline/catalog';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { instantAnswer, instantOrNull, keyParams } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

const priceParams = z.strictObject({
  key: text(256),
  revision: z.string().regex(/^[1-9]\d{0,8}$/, 'must be the revision of a negotiated price, such as 1'),
});

const negotiatedSchema = z.object({
  revision: z.int().describe('1, 2, ... in the order in which prices, and ends of them, were entered for the customer'),
  plan: z.string().nullable().describe('null: all plans'),
  rateCard: z.string().nullable().describe('null: all rate cards'),
  meter: z
    .string()
    .nullable()
    .describe('Of the rate card when it was agreed on: it holds for versions of the plan with this meter'),
  validFrom: instantAnswer,
  validUntil: instantAnswer.nullable().describe('As it was agreed on; not included; null: for good'),
  end: z
    .object({ revision: z.int(), at: instantAnswer, knownSince: instantAnswer })
    .nullable()
    .describe('Earlier than was agreed'),
  knownSince: instantAnswer.describe('When it was entered'),
  percentOff: z.string().nullable().describe('Of all rate cards; null where it is of one'),
  price: priceSchema.nullable().describe('null: that of the plan version, at any time'),
  modifiers: modifierOverridesSchema.nullable().describe('Each in place of that of the rate card; null: as in the plan version'),
  note: z.string().nullable(),
});

const show = ({
  validFromMs,
  validUntilMs,
  knownSinceMs,
  end,
  modifiers,
  ...price
}: NegotiatedPriceRecord): z.input<typeof negotiatedSchema> => ({
  ...price,
  ...(price.rateCard === null ? { percentOff: modifiers?.percentOff ?? null, modifiers: null } : { percentOff: null, modifiers }),
  validFrom: formatInstant(validFromMs),
  validUntil: instantOrNull(validUntilMs),
  end: end && { revision: end.revision, at: formatInstant(end.atMs), knownSince: formatInstant(end.knownSinceMs) },
  knownSince: formatInstant(knownSinceMs),
});

const positionSchema = z.tuple([z.string().regex(/^\d{1,9}$/)]);

/** `/v1/customers/{key}/negotiated-prices`. */
export function negotiatedPriceRoutes(server: HttpServer, prices: NegotiatedPriceCatalog): void {
  const tags = ['Customers'];
  const path = '/v1/customers/:key/negotiated-prices';

  server.post(
    path,
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary:
          'Agree with a customer on another price, or other modifiers, for a rate card of a plan, or on a percentage off all of them',
        description:
          'Whichever version of the plan the customer is under. At every instant the newest that holds is charged; what it does not name follows the plan ' +
          'version. An entry stays as it is for ever; another one, or an end, corrects it.',
        tags,
        params: keyParams,
        body: newNegotiatedPriceSchema,
        response: { 201: negotiatedSchema },
      },
    },
    async ({ params, body, principal }, reply) =>
      reply.code(201).send(show(await prices.add(params.key, body, principal.tenant))),
  );

  server.get(
    path,
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List what was negotiated with a customer, in the order it was entered',
        tags,
        params: keyParams,
        querystring: z.strictObject({ ...pageQuery, asKnownOn: instantSchema.optional().describe('As known then; default now') }),
        response: { 200: pageSchema(negotiatedSchema) },
      },
    },
    async ({ params, query, principal }) => {
      const request = { ...pageRequest(query, positionSchema), knownAtMs: instantMs(query.asKnownOn) };
      return pageAnswer(await prices.list(params.key, request, principal.tenant), show);
    },
  );

  server.post(
    `${path}/:revision/end`,
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'End a negotiated price earlier than was agreed',
        description:
          'From then on it is as if it had not been agreed on: the list price of that time, or what was negotiated before.',
        tags,
        params: priceParams,
        body: negotiatedEndSchema.nullish(),
        response: { 200: negotiatedSchema },
      },
    },
    async ({ params, body, principal }) =>
      show(await prices.end(params.key, Number(params.revision), body ?? {}, principal.tenant)),
  );
}
