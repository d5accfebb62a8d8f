import { currencyExponent, compare, decimal } from '@meterline/domain/money';
import type { Grant } from '@meterline/domain/prepaid';
import { type Modifiers, modifiersSchema } from '@meterline/domain/prices';
import type { FaultDetail } from '@meterline/domain/faults';
import { dimensionNames, type Meter } from '@meterline/domain/meters';
import { z } from 'zod';
import { currencySchema, instantMs, instantSchema, keySchema, nameSchema } from '../catalog/index.ts';

const PRIORITY_MAX = 1000;
const VALUES_MAX = 100;

const decimalText = z
  .string('must be a decimal string such as "100000", so that no digit is lost')
  .regex(/^\d{1,24}(?:\.\d{1,12})?$/, 'must be a decimal string of at most 24 digits before and 12 behind the point');
const positive = decimalText.regex(/[1-9]/, 'must be above zero');

const carryOverSchema = z.strictObject({
  percent: positive
    .refine((text) => compare(decimal(text), decimal('100')) <= 0, 'must be at most 100')
    .default('100')
    .describe('Share of what is left that goes on'),
  maximum: positive.optional().describe('At most so much goes on'),
  expiresAt: instantSchema.describe('Until when the carried part can be used; it is not carried again'),
});

const shared = {
  key: keySchema.describe(
    'Your name for it: a grant of this key that is there already, with the same terms, is answered instead of made again',
  ),
  name: nameSchema.describe('As invoices show it'),
  amount: positive,
  priority: z.int().min(-PRIORITY_MAX).max(PRIORITY_MAX).default(0).describe('The smaller one burns first'),
  effectiveAt: instantSchema.optional().describe('Pays for usage from then on; default now'),
  expiresAt: instantSchema.optional().describe('Pays for usage before then; default never'),
  cost: decimalText
    .optional()
    .describe("What the customer paid for it, in the customer's currency; without it the grant is free"),
  carryOver: carryOverSchema.optional(),
};

export const newGrantSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('units'),
    ...shared,
    meter: keySchema.describe('Whose usage it pays for; a meter that counts or sums'),
    filter: z
      .record(z.string(), z.union([z.string(), z.array(z.string()).min(1).max(VALUES_MAX)]))
      .optional()
      .describe('Only usage with these values of dimensions'),
    unitConversion: modifiersSchema.shape.unitConversion
      .check((context) => {
        for (const [path, message] of conversionFaults(context.value)) {
          context.issues.push({ code: 'custom', path, message, input: context.value });
        }
      })
      .describe("From the meter's unit to the pack's; rounding is of the billing period so far"),
  }),
  z.strictObject({
    kind: z.literal('money'),
    ...shared,
    currency: currencySchema.optional().describe("Default, and only one possible: the customer's"),
  }),
]);
export type NewGrant = z.output<typeof newGrantSchema>;

/** The grant that is asked for. */
export function grantOf(
  input: NewGrant,
  context: { readonly id: string; readonly currency: string; readonly nowMs: number },
): Grant {
  const { carryOver, key, name, amount, priority } = input;
  return {
    id: context.id,
    ...{ key, name, amount, priority },
    units:
      input.kind === 'money'
        ? null
        : { meter: input.meter, filter: valuesOf(input.filter), conversion: input.unitConversion ?? null },
    currency: input.kind === 'money' ? (input.currency ?? context.currency) : null,
    effectiveAtMs: instantMs(input.effectiveAt) ?? context.nowMs,
    expiresAtMs: instantMs(input.expiresAt) ?? null,
    createdAtMs: context.nowMs,
    cost: input.cost ?? null,
    carryOver:
      carryOver === undefined
        ? null
        : { percent: carryOver.percent, maximum: carryOver.maximum ?? null, expiresAtMs: instantMs(carryOver.expiresAt) ?? 0 },
    carriedFrom: null,
  };
}

/** Everything that keeps this grant from making sense, each at its field. `meter`: the one it names, if there is one. */
export function grantFaults(grant: Grant, currency: string, meter: Meter | undefined): FaultDetail[] {
  return [...timeFaults(grant), ...(grant.units === null ? moneyFaults(grant, currency) : unitFaults(grant.units, meter))];
}

function* timeFaults({ effectiveAtMs, expiresAtMs, carryOver }: Grant): Generator<FaultDetail> {
  if (expiresAtMs !== null && expiresAtMs <= effectiveAtMs) yield { path: 'expiresAt', message: 'must be after effectiveAt' };
  if (carryOver === null) return;
  if (expiresAtMs === null) yield { path: 'carryOver', message: 'needs an expiresAt: what never expires need not be carried' };
  else if (carryOver.expiresAtMs <= expiresAtMs) yield { path: 'carryOver.expiresAt', message: 'must be after expiresAt' };
}

function* moneyFaults(grant: Grant, currency: string): Generator<FaultDetail> {
  if (grant.currency !== currency) {
    yield { path: 'currency', message: `is ${String(grant.currency)}, the customer pays in ${currency}` };
  }
  const digits = currencyExponent(currency);
  const tooFine = (text: string | null | undefined) => (text?.split('.')[1]?.replace(/0+$/, '').length ?? 0) > digits;
  if (tooFine(grant.amount)) yield { path: 'amount', message: `must have at most the ${digits} decimals of ${currency}` };
  if (tooFine(grant.carryOver?.maximum)) {
    yield { path: 'carryOver.maximum', message: `must have at most the ${digits} decimals of ${currency}` };
  }
}

function* unitFaults({ meter: key, filter }: NonNullable<Grant['units']>, meter: Meter | undefined): Generator<FaultDetail> {
  if (meter === undefined) {
    yield { path: 'meter', message: `there is no meter "${key}"` };
    return;
  }
  if (meter.aggregation !== 'count' && meter.aggregation !== 'sum') {
    yield {
      path: 'meter',
      message: `"${key}" is a ${meter.aggregation}: only usage that counts or sums can be paid for unit by unit`,
    };
  }
  const known = new Set(dimensionNames(meter));
  for (const name of Object.keys(filter)) {
    if (!known.has(name)) yield { path: `filter.${name}`, message: `meter "${key}" has no dimension "${name}"` };
  }
}

function valuesOf(filter: Readonly<Record<string, string | string[]>> = {}): Record<string, string[]> {
  return Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, typeof value === 'string' ? [value] : value]));
}

/** A pack counts the total of its usage: it cannot weigh it by a dimension, nor round single events. */
function* conversionFaults(conversion: Modifiers['unitConversion']): Generator<[string[], string]> {
  const { weights, rounding } = conversion ?? {};
  if (weights) yield [['weights'], 'weights must be absent in a grant: give a grant for each value, with a filter and a factor'];
  if (typeof rounding === 'object' && rounding.scope === 'event')
    yield [['rounding', 'scope'], 'scope must be "total" in a grant'];
}
