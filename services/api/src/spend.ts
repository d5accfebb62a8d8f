import type { InvoiceLine } from '@meterline/domain/invoices';
import { BURN_ORDERS } from '@meterline/domain/prepaid';
import { modifiersSchema, priceSchema } from '@meterline/domain/prices';
import { type Language, toldIn } from '@meterline/domain/rating';
import { formatInstant } from '@meterline/domain/time';
import type { TenantClock } from '@meterline/pipeline/ports';
import type { SpendPrepaid } from '@meterline/pipeline/prepaid';
import { type CustomerSpend, type RatingPorts, spendOf } from '@meterline/pipeline/spend';
import type { HttpServer } from '@meterline/runtime/http';
import { z } from 'zod';
import { settlementSchema, showSettlement } from './commitments.ts';
import { instantAnswer, keyParams } from './fields.ts';
import { languageSchema, ratedLineSchema } from './rated-lines.ts';

const decimalText = z.string().describe('Exact decimal');

export const periodSchema = z.object({ from: instantAnswer, to: instantAnswer });
export const asOfSchema = z.object({
  cut: z.array(z.int()).describe('Per partition of the log, the first offset not counted'),
  at: instantAnswer,
});

const negotiated = z.int().optional().describe('Revision of what was negotiated with the customer, where that is the price');

const partSchema = z.object({
  from: instantAnswer,
  to: instantAnswer,
  days: z.int(),
  quantity: decimalText,
  events: z.int(),
  price: priceSchema,
  modifiers: modifiersSchema.nullable(),
  negotiated,
});

const lineSchema = z.object({
  key: z.string(),
  name: z.string(),
  meter: z.string().nullable(),
  quantity: decimalText,
  covered: decimalText.optional().describe('The part of it that prepaid packs pay for'),
  carriedUnits: decimalText.optional().describe('Units of the allowance that the period before left over'),
  carriedOver: decimalText
    .optional()
    .describe('Units of the allowance that the next period would take over if this one ended as it stands'),
  events: z.int(),
  model: z.string(),
  negotiated,
  amount: decimalText.describe('Rounded to the currency'),
  parts: z.array(partSchema).optional().describe('Where the price changed within the period: what was used at which price'),
  explanation: z.array(ratedLineSchema),
});

const drawnFields = { grant: z.string(), name: z.string(), line: z.string() };
const prepaidSchema = z.object({
  position: z.int().describe('Of the last movement of the ledger that was seen; nothing of this is booked before the invoice'),
  order: z.enum(BURN_ORDERS),
  units: z.array(z.object({ ...drawnFields, quantity: decimalText.describe("In the meter's unit"), units: decimalText })),
  credits: z.array(z.object({ ...drawnFields, amount: decimalText })),
  credited: decimalText.describe('Sum of the credits'),
  due: decimalText.describe('`total`, less what was invoiced before and less `credited`'),
});

const spendSchema = z.object({
  customer: z.string(),
  currency: z.string(),
  asOf: asOfSchema,
  period: periodSchema.nullable().describe('Of the oldest active subscription'),
  lines: z.array(lineSchema.extend({ subscription: z.string() })),
  total: decimalText.describe('What packs leave to be priced, before credits'),
  prepaid: prepaidSchema.nullable().describe('Null for a customer that never had a grant'),
  subscriptions: z.array(
    z.object({
      id: z.string(),
      plan: z.string(),
      planVersion: z.int(),
      phase: z.object({ key: z.string(), name: z.string() }).nullable().describe('Of the plan version'),
      period: periodSchema,
      lines: z.array(lineSchema),
      billedInAdvance: z
        .array(z.object({ invoice: z.string(), key: z.string(), name: z.string(), amount: decimalText }))
        .describe('What of the lines was invoiced when the period began; below zero: given back by a credit note'),
      interims: z
        .array(z.object({ invoice: z.string(), usageTo: instantAnswer, amount: decimalText.describe('Before credits') }))
        .describe('Interim invoices of the period so far: what of the total they asked for, and up to which instant of usage'),
      nextThreshold: decimalText
        .nullable()
        .describe(
          'The next level of the plan version at which the period is invoiced so far: what its interim invoices ask for together',
        ),
      commitment: settlementSchema.nullable().describe('What an agreed minimum or maximum adds; its lines are part of the total'),
      total: decimalText,
      toInvoice: decimalText.describe('What of the total is on no invoice yet'),
    }),
  ),
});

function showLine(
  { explanation, price: _price, modifiers: _modifiers, parts, ...line }: InvoiceLine,
  language: Language,
): z.input<typeof lineSchema> {
  return { ...line, ...(parts && { parts: [...parts] }), explanation: toldIn(explanation, language) };
}

const showPrepaid = ({ position, order, units, credits, credited, due }: SpendPrepaid): z.input<typeof prepaidSchema> => ({
  ...{ position, order, credited, due },
  units: units.map(({ grant, name, line, quantity, units: taken }) => ({ grant, name, line, quantity, units: taken })),
  credits: credits.map(({ grant, name, line, amount }) => ({ grant, name, line, amount })),
});

function showSpend(
  { customer, currency, asOf, subscriptions, total, prepaid }: CustomerSpend,
  language: Language = 'en',
): z.input<typeof spendSchema> {
  const shown = subscriptions.map(({ period, lines, billedInAdvance, interims, commitment, ...subscription }) => ({
    ...subscription,
    period: { from: formatInstant(period.fromMs), to: formatInstant(period.toMs) },
    lines: lines.map((line) => showLine(line, language)),
    billedInAdvance: [...billedInAdvance],
    interims: [...interims],
    commitment: commitment && showSettlement(commitment),
  }));
  return {
    customer,
    currency,
    asOf: { cut: [...asOf.cut], at: formatInstant(asOf.atMs) },
    period: shown[0]?.period ?? null,
    lines: shown.flatMap(({ id, lines }) => lines.map((line) => ({ subscription: id, ...line }))),
    total,
    prepaid: prepaid && showPrepaid(prepaid),
    subscriptions: shown,
  };
}

export interface SpendRoutesDeps extends RatingPorts {
  readonly clock: TenantClock;
}

/** `GET /v1/customers/{key}/spend`. */
export function spendRoutes(server: HttpServer, deps: SpendRoutesDeps): void {
  server.get(
    '/v1/customers/:key/spend',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What a customer has spent so far in its current billing periods',
        tags: ['Customers'],
        params: keyParams,
        querystring: z.strictObject({ language: languageSchema.optional() }),
        response: { 200: spendSchema },
      },
    },
    async ({ params, query, principal }) =>
      showSpend(await spendOf(deps, params.key, await deps.clock.nowMs(principal.tenant), principal.tenant), query.language),
  );
}
