import type { InvoiceLine } from '@meterline/domain/invoices';
import { formatInstant } from '@meterline/domain/time';
import type { Clock } from '@meterline/pipeline/ports';
import { type CustomerSpend, type RatingPorts, spendOf } from '@meterline/pipeline/spend';
import type { HttpServer } from '@meterline/runtime/http';
import { z } from 'zod';
import { instantAnswer, keyParams } from './fields.ts';

const decimalText = z.string().describe('Exact decimal');

export const periodSchema = z.object({ from: instantAnswer, to: instantAnswer });
export const asOfSchema = z.object({
  cut: z.array(z.int()).describe('Per partition of the log, the first offset not counted'),
  at: instantAnswer,
});

const ratedLineSchema = z.object({
  kind: z.string(),
  description: z.string(),
  quantity: decimalText.nullable(),
  unitAmount: decimalText.nullable(),
  amount: decimalText.describe('Not rounded'),
  tier: z.object({ index: z.int(), from: decimalText, upTo: decimalText.nullable() }).optional(),
});

const lineSchema = z.object({
  key: z.string(),
  name: z.string(),
  meter: z.string().nullable(),
  quantity: decimalText,
  events: z.int(),
  model: z.string(),
  amount: decimalText.describe('Rounded to the currency'),
  explanation: z.array(ratedLineSchema),
});

const spendSchema = z.object({
  customer: z.string(),
  currency: z.string(),
  asOf: asOfSchema,
  period: periodSchema.nullable().describe('Of the oldest active subscription'),
  lines: z.array(lineSchema.extend({ subscription: z.string() })),
  total: decimalText,
  subscriptions: z.array(
    z.object({
      id: z.string(),
      plan: z.string(),
      planVersion: z.int(),
      period: periodSchema,
      lines: z.array(lineSchema),
      total: decimalText,
    }),
  ),
});

const showLine = ({ explanation, price: _price, modifiers: _modifiers, ...line }: InvoiceLine): z.input<typeof lineSchema> => ({
  ...line,
  explanation: [...explanation],
});

function showSpend({ customer, currency, asOf, subscriptions, total }: CustomerSpend): z.input<typeof spendSchema> {
  const shown = subscriptions.map(({ id, plan, planVersion, period, lines, total: subscriptionTotal }) => ({
    id,
    plan,
    planVersion,
    period: { from: formatInstant(period.fromMs), to: formatInstant(period.toMs) },
    lines: lines.map(showLine),
    total: subscriptionTotal,
  }));
  return {
    customer,
    currency,
    asOf: { cut: [...asOf.cut], at: formatInstant(asOf.atMs) },
    period: shown[0]?.period ?? null,
    lines: shown.flatMap(({ id, lines }) => lines.map((line) => ({ subscription: id, ...line }))),
    total,
    subscriptions: shown,
  };
}

export interface SpendRoutesDeps extends RatingPorts {
  readonly clock: Pick<Clock, 'nowMs'>;
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
        response: { 200: spendSchema },
      },
    },
    async ({ params, principal }) => showSpend(await spendOf(deps, params.key, deps.clock.nowMs(), principal.tenant)),
  );
}
