import { add, decimal, formatDecimal, ZERO } from '@meterline/domain/money';
import { modifiersSchema, priceSchema, termsFaults, usageNeeds } from '@meterline/domain/prices';
import type { PriceInput } from '@meterline/domain/rating';
import { currencySchema } from '@meterline/pipeline/catalog';
import { z } from 'zod';
import { languageSchema } from './rated-lines.ts';

const quantity = z.string().regex(/^\d{1,24}(\.\d{1,12})?$/, 'must be a decimal string such as "12.5", not negative');
const signed = z.string().regex(/^-?\d{1,24}(\.\d{1,12})?$/, 'must be a decimal string such as "-12.5"');
const count = z.union([z.string().regex(/^\d{1,24}$/), z.int().nonnegative()], 'must be a whole number');
const events = z.int('must be a whole number').nonnegative('must not be negative');
const days = z.int('must be a whole number of days').nonnegative('must not be negative').max(400, 'must be at most 400');

const GROUPS_MAX = 1000;
const VALUES_MAX = 10_000;
const valuesSchema = z
  .array(z.strictObject({ value: signed, events: events.default(1).describe('Events that had this value') }))
  .max(VALUES_MAX, `must be at most ${VALUES_MAX} values`);
const groupsSchema = z
  .array(
    z.strictObject({
      dimensions: z.record(z.string(), z.string()),
      quantity,
      events: events.optional(),
      values: valuesSchema.optional(),
    }),
  )
  .max(GROUPS_MAX, `must be at most ${GROUPS_MAX} groups`);

/** What `POST /v1/prices/evaluate` takes. */
export const priceInputSchema = z
  .strictObject({
    currency: currencySchema,
    price: priceSchema,
    modifiers: modifiersSchema.optional(),
    quantity: quantity.optional().describe('Usage of this part of the billing period; absent: the sum of groups, or of values'),
    eventsCount: count.optional().describe('Events behind the quantity, for fees per event'),
    groups: groupsSchema.optional().describe('The same usage by dimensions, for a matrix and for weights'),
    values: valuesSchema.optional().describe('The same usage by single events, for limits, free events and rounding per event'),
    seatChanges: z
      .array(z.strictObject({ seats: signed, days }))
      .max(1000)
      .optional()
      .describe('For a price per seat, in time order'),
    previousQuantity: quantity.optional().describe('Usage billed earlier in the period: tiers go on from there'),
    previousEventsCount: count.optional(),
    previousGroups: groupsSchema.optional(),
    previousValues: valuesSchema.optional(),
    previousAmount: quantity.optional().describe('Money billed earlier in the period, before credits'),
    previousCredits: quantity.optional().describe('What of modifiers.credits was spent earlier in the period'),
    periodPosition: z.enum(['first', 'middle', 'last']).optional().describe('Which part of a period billed in parts this is'),
    carriedUnits: quantity.optional().describe('Units of the allowance that earlier periods left over'),
    firstPeriod: z.boolean().optional().describe("The subscription's first period, which fees due once wait for; default true"),
    days: days.optional().describe('Days billed, of daysInPeriod: for fees, minimum and maximum'),
    daysInPeriod: days.min(1, 'must be at least 1').optional(),
    language: languageSchema.optional(),
  })
  .check((context) => {
    for (const [path, message] of faultsOf(context.value)) {
      context.issues.push({ code: 'custom', path, message, input: context.value });
    }
  });
export type EvaluateBody = z.output<typeof priceInputSchema>;

function* faultsOf({ price, modifiers, ...usage }: EvaluateBody): Generator<[path: string[], message: string]> {
  for (const [path, message] of termsFaults(price, modifiers ?? {})) yield [['modifiers', ...path], message];
  if (usage.seatChanges && !takesSeatChanges(price, modifiers))
    yield [['seatChanges'], 'must be absent unless the price is per_seat, and its modifiers look at totals alone'];
  if (usage.quantity === undefined && !usage.groups && !usage.values)
    yield [['quantity'], 'is required, unless there are groups or values'];
  if ((usage.days === undefined) !== (usage.daysInPeriod === undefined)) yield [['days'], 'days and daysInPeriod come together'];
  else if ((usage.days ?? 0) > (usage.daysInPeriod ?? 0)) yield [['days'], 'must be at most daysInPeriod'];
}

/** Changes are told as totals: not by dimensions, nor by events. */
function takesSeatChanges(price: EvaluateBody['price'], modifiers: EvaluateBody['modifiers']): boolean {
  const { dimensions, perEvent } = usageNeeds({ price, modifiers });
  return price.model === 'per_seat' && dimensions.length === 0 && !perEvent;
}

export function priceInputOf({ days: billed, daysInPeriod, language: _language, ...body }: EvaluateBody): PriceInput {
  return {
    ...body,
    quantity: body.quantity ?? sumOf(body) ?? '0',
    eventsCount: body.eventsCount?.toString(),
    previousQuantity: body.previousQuantity ?? sumOf({ groups: body.previousGroups, values: body.previousValues }),
    previousEventsCount: body.previousEventsCount?.toString(),
    prorationNumerator: billed,
    prorationDenominator: daysInPeriod,
    sharesLimits: true,
  };
}

/** What the finer account of usage adds up to. */
function sumOf({ groups, values }: Pick<EvaluateBody, 'groups' | 'values'>): string | undefined {
  if (groups) return formatDecimal(groups.reduce((sum, group) => add(sum, decimal(group.quantity)), ZERO));
  if (!values) return undefined;
  const sum = values.reduce((all, one) => {
    const { units, scale } = decimal(one.value);
    return add(all, { units: units * BigInt(one.events), scale });
  }, ZERO);
  return formatDecimal(sum);
}
