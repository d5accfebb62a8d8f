import { commitmentSchema, SETTLEMENT_KINDS } from '@meterline/domain/commitments';
import type { AllowedUse } from '@meterline/domain/entitlements';
import type { InvoiceDocument, InvoiceLine } from '@meterline/domain/invoices';
import { totalOf } from '@meterline/domain/invoices';
import { modifiersSchema, priceSchema } from '@meterline/domain/prices';
import { formatInstant } from '@meterline/domain/time';
import type { ChangePreview } from '@meterline/pipeline/subscription-changes';
import { z } from 'zod';
import { instantAnswer, instantOrNull } from './fields.ts';

const decimalText = z.string().describe('Exact decimal');

const invoiceSchema = z.object({
  plan: z.string(),
  planVersion: z.int(),
  phase: z.object({ key: z.string(), name: z.string() }).nullable(),
  from: instantAnswer,
  to: instantAnswer.describe('Due from then on'),
  days: z.int(),
  daysInPeriod: z.int(),
  lines: z.array(
    z.object({
      ...{ key: z.string(), name: z.string(), quantity: decimalText, amount: decimalText },
      isEstimate: z.boolean().describe('Charged by usage: as far as it is known at `asOf`'),
    }),
  ),
  fees: decimalText.describe('Lines that do not depend on usage'),
  usage: decimalText.describe('An estimate: what is used so far'),
  adjustments: decimalText.describe('Late usage and corrections of periods before'),
  commitments: z
    .array(z.object({ kind: z.enum(SETTLEMENT_KINDS), description: z.string(), amount: decimalText }))
    .describe('What commitments add or take off'),
  total: decimalText.describe('With what commitments add, less what grants pay'),
});

const documentSchema = z.object({
  kind: z.enum(['advance', 'fee', 'interim', 'credit_note']),
  ...{ plan: z.string(), planVersion: z.int(), from: instantAnswer, to: instantAnswer },
  lines: z.array(z.object({ key: z.string(), name: z.string(), amount: decimalText })),
  usageTo: instantAnswer.optional().describe('Of an interim invoice: due then, for what is used of the period before it'),
  treatment: z.enum(['credit', 'refund']).optional().describe('Of a credit note: what becomes of its amount'),
  amount: decimalText.describe('To be paid; of a credit note, what is given back'),
});

const pricedSchema = z.object({ price: priceSchema, modifiers: modifiersSchema.nullable() }).nullable();

const allowedSchema = z
  .object({
    type: z.enum(['boolean', 'static', 'metered']),
    limit: decimalText.nullable(),
    softLimit: z.boolean(),
    resetsAt: instantAnswer.nullable(),
    value: z.string().nullable(),
  })
  .nullable();

export const previewSchema = z.object({
  token: z.string().describe('Executes exactly this: `POST .../changes` with it alone'),
  asOf: z.object({ cut: z.array(z.int()), at: instantAnswer }),
  change: z.object({
    kind: z.string(),
    direction: z.enum(['up', 'down', 'same']).describe('Whether fees rise or fall'),
    at: instantAnswer,
    until: instantAnswer.nullable(),
    plan: z.string(),
    planVersion: z.int(),
    fee: decimalText.nullable().describe('What the plan charges for the change; a line of the invoice of its first day'),
  }),
  currency: z.string(),
  documents: z
    .array(documentSchema)
    .describe(
      'What is billed and given back beside the invoices below, which rate the same and deduct these: up to when the change takes effect, and ' +
        'the first interim invoice after it',
    ),
  now: z.object({ invoices: z.array(invoiceSchema), total: decimalText }).describe('Due as soon as the change is made'),
  next: z.array(invoiceSchema).describe('The invoices that come then, up to the first whole period after the change'),
  total: decimalText.describe('Of all of them'),
  totalWithout: decimalText.describe('What the same time would come to without the change'),
  differences: z.object({
    prices: z.array(
      z.object({
        ...{ key: z.string(), name: z.string(), meter: z.string().nullable() },
        change: z.enum(['added', 'removed', 'changed']),
        before: pricedSchema,
        after: pricedSchema,
      }),
    ),
    allowances: z.array(
      z.object({
        ...{ key: z.string(), name: z.string(), meter: z.string() },
        before: decimalText.nullable(),
        after: decimalText.nullable(),
        used: decimalText.describe('In the billing period of now, so far'),
        exceeds: z.boolean().describe('More is used already than will be included'),
        message: z.string().nullable(),
      }),
    ),
    features: z
      .array(
        z.object({
          ...{ feature: z.string(), name: z.string() },
          change: z.enum(['added', 'removed', 'changed']),
          before: allowedSchema,
          after: allowedSchema,
          used: decimalText.nullable().describe('In the period of the limit that goes on now; null where nothing is counted'),
          exceeds: z.boolean().describe('More is used already than will be allowed'),
          message: z.string().nullable().describe('Where less is allowed than before'),
        }),
      )
      .describe('By all subscriptions of the customer'),
    commitment: z
      .object({
        before: commitmentSchema.nullable(),
        after: commitmentSchema.nullable(),
        givenBack: decimalText.nullable().describe('Of a minimum paid in advance: what is neither for the days so far nor used'),
        lost: decimalText.nullable().describe('Of the same: for the days so far, and not used'),
        trueUp: decimalText.nullable().describe('What spend is raised by to the minimum of the days so far'),
        dueInAdvance: decimalText.nullable().describe('Of the new one, from the change on'),
        message: z.string().nullable(),
      })
      .nullable()
      .describe('null where none ends, begins or changes. Its amounts are in the lines of the invoices'),
    unpricedMeters: z.array(z.string()).describe('Charged now, and by nothing afterwards'),
  }),
  lastMonths: z
    .object({
      months: z.array(z.object({ from: instantAnswer, to: instantAnswer, before: decimalText, after: decimalText })),
      before: decimalText,
      after: decimalText,
    })
    .nullable()
    .describe('What the last whole months would have cost; null where the terms stay'),
});

const isFee = ({ meter }: InvoiceLine) => meter === null;

function showInvoice({
  plan,
  planVersion,
  phase,
  period,
  lines,
  adjustments,
  commitments = [],
  total,
  currency,
}: InvoiceDocument): z.input<typeof invoiceSchema> {
  return {
    ...{
      plan,
      planVersion,
      phase: phase ?? null,
      from: period.from,
      to: period.to,
      days: period.days,
      daysInPeriod: period.daysInPeriod,
    },
    lines: lines.map((line) => {
      const { key, name, quantity, amount } = line;
      return { key, name, quantity, amount, isEstimate: !isFee(line) };
    }),
    fees: totalOf(lines.filter(isFee), currency),
    usage: totalOf(
      lines.filter((line) => !isFee(line)),
      currency,
    ),
    adjustments: totalOf(adjustments, currency),
    commitments: commitments.flatMap((settlement) =>
      settlement.lines.map(({ kind, description, amount }) => ({ kind, description, amount })),
    ),
    total,
  };
}

function showDocument(document: InvoiceDocument): z.input<typeof documentSchema> {
  const { kind = 'fee', plan, planVersion, period, lines, creditNote, interim, total } = document;
  const of = { plan, planVersion, from: period.from, to: period.to };
  const shown = (all: readonly Pick<InvoiceLine, 'key' | 'name' | 'amount'>[]) =>
    all.map(({ key, name, amount }) => ({ key, name, amount }));
  if (creditNote === undefined)
    return { kind, ...of, lines: shown(lines), ...(interim && { usageTo: interim.usageTo }), amount: total };
  const { treatment, amount } = creditNote;
  return { kind: 'credit_note', ...of, lines: shown(creditNote.lines), treatment, amount };
}

function showAllowed(allowed: AllowedUse | null): z.input<typeof allowedSchema> {
  if (allowed === null) return null;
  const { resetsAtMs, ...terms } = allowed;
  return { ...terms, resetsAt: instantOrNull(resetsAtMs) };
}

export function showPreview({
  decided,
  token,
  cut,
  documents,
  now,
  next,
  without,
  difference,
  commitment,
  features,
  lastMonths,
}: ChangePreview): z.input<typeof previewSchema> {
  const { change, direction, plans, subject } = decided;
  const { currency } = subject.customer;
  const sum = (invoices: readonly InvoiceDocument[]) =>
    totalOf(
      invoices.map(({ total }) => ({ amount: total })),
      currency,
    );
  return {
    token,
    asOf: { cut: [...cut], at: formatInstant(subject.nowMs) },
    change: {
      ...{ kind: change.kind, direction },
      at: formatInstant(change.fromMs),
      until: instantOrNull(change.untilMs),
      plan: plans.to.plan.key,
      planVersion: plans.to.version,
      fee: change.fee?.amount ?? null,
    },
    currency,
    documents: documents.map(showDocument),
    now: { invoices: now.map(showInvoice), total: sum(now) },
    next: next.map(showInvoice),
    total: sum([...now, ...next]),
    totalWithout: sum(without),
    differences: {
      prices: [...difference.prices],
      allowances: [...difference.allowances],
      features: features.map(({ before, after, ...rest }) => ({
        ...rest,
        before: showAllowed(before),
        after: showAllowed(after),
      })),
      commitment,
      unpricedMeters: [...difference.unpricedMeters],
    },
    lastMonths: lastMonths && {
      months: lastMonths.months.map(({ fromMs, toMs, before, after }) => ({
        from: formatInstant(fromMs),
        to: formatInstant(toMs),
        ...{ before, after },
      })),
      before: lastMonths.before,
      after: lastMonths.after,
    },
  };
}
