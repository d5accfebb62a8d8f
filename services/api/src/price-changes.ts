import type { PriceChange } from '@meterline/domain/price-versions';
import { modifiersSchema, priceSchema } from '@meterline/domain/prices';
import { formatInstant } from '@meterline/domain/time';
import {
  instantMs,
  instantSchema,
  keySchema,
  newPriceChangeSchema,
  type PriceChangeCatalog,
  type PriceRecord,
  text,
} from '@meterline/pipeline/catalog';
import type { PlanVersionKey } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { instantAnswer, instantOrNull } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

export const versionParams = z.strictObject({
  key: text(256),
  version: z.string().regex(/^[1-9]\d{0,8}$/, 'must be the number of a version, such as 1'),
});

const changeSchema = z.object({
  revision: z.int().describe('1, 2, ... in the order the changes of the plan version were entered'),
  rateCard: z.string(),
  validFrom: instantAnswer,
  knownSince: instantAnswer.describe('When it was entered'),
  price: priceSchema,
  modifiers: modifiersSchema.nullable(),
});

const pricesSchema = z.object({
  plan: z.string(),
  version: z.int(),
  items: z.array(
    z.object({
      rateCard: z.string(),
      validFrom: instantAnswer.nullable().describe('null: since ever'),
      validTo: instantAnswer.nullable().describe('Not included; null: open'),
      knownSince: instantAnswer,
      revision: z.int().describe('Of the change that brought this price; 0: the price the plan version was made with'),
      negotiated: z.int().nullable().describe('Revision of what was negotiated with the customer, where that is the price'),
      price: priceSchema,
      modifiers: modifiersSchema.nullable(),
    }),
  ),
});

const knownAt = instantSchema.optional().describe('As known then; default now');
const positionSchema = z.tuple([z.string().regex(/^\d{1,9}$/)]);

export const versionKey = ({ key, version }: z.output<typeof versionParams>): PlanVersionKey => ({
  plan: key,
  version: Number(version),
});

const showChange = ({ validFromMs, knownSinceMs, ...change }: PriceChange): z.input<typeof changeSchema> => ({
  ...change,
  validFrom: formatInstant(validFromMs),
  knownSince: formatInstant(knownSinceMs),
});

const showPrice = ({
  fromMs,
  toMs,
  knownSinceMs,
  modifiers,
  ...price
}: PriceRecord): z.input<typeof pricesSchema>['items'][number] => ({
  ...price,
  modifiers: modifiers ?? null,
  validFrom: instantOrNull(fromMs),
  validTo: instantOrNull(toMs),
  knownSince: formatInstant(knownSinceMs),
});

/** `/v1/plans/{key}/versions/{version}/price-changes` and `.../prices`. */
export function priceChangeRoutes(server: HttpServer, priceChanges: PriceChangeCatalog): void {
  const tags = ['Plans'];
  const path = '/v1/plans/:key/versions/:version';

  server.post(
    `${path}/price-changes`,
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Change a price of a plan version from an instant on',
        description:
          'For everyone subscribed to the plan version. It supersedes what was known to hold from `validFrom` on. A change stays as it is for ever; ' +
          'another one corrects it. For new subscriptions only, make a new plan version instead.',
        tags,
        params: versionParams,
        body: newPriceChangeSchema,
        response: { 201: changeSchema },
      },
    },
    async ({ params, body, principal }, reply) =>
      reply.code(201).send(showChange(await priceChanges.add(versionKey(params), body, principal.tenant))),
  );

  server.get(
    `${path}/price-changes`,
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List the price changes of a plan version in the order they were entered',
        tags,
        params: versionParams,
        querystring: z.strictObject({ ...pageQuery, knownAt }),
        response: { 200: pageSchema(changeSchema) },
      },
    },
    async ({ params, query, principal }) => {
      const request = { ...pageRequest(query, positionSchema), knownAtMs: instantMs(query.knownAt) };
      return pageAnswer(await priceChanges.list(versionKey(params), request, principal.tenant), showChange);
    },
  );

  server.get(
    `${path}/prices`,
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Prices of a plan version over time, as known now or then',
        tags,
        params: versionParams,
        querystring: z.strictObject({
          at: instantSchema.optional().describe('Only prices in force then'),
          knownAt,
          customer: keySchema.optional().describe('As this customer has them, with what was negotiated'),
        }),
        response: { 200: pricesSchema },
      },
    },
    async ({ params, query, principal }) => {
      const key = versionKey(params);
      const asked = { atMs: instantMs(query.at), knownAtMs: instantMs(query.knownAt), customer: query.customer };
      return { ...key, items: (await priceChanges.prices(key, asked, principal.tenant)).map(showPrice) };
    },
  );
}
