import type { FaultDetail } from '@meterline/domain/faults';
import { modifierOverridesSchema, percentOffField, priceSchema } from '@meterline/domain/prices';
import { z } from 'zod';
import { instantSchema, keySchema, text } from './fields.ts';

const correction = z
  .boolean()
  .optional()
  .describe('Needed where invoices of the customer were issued for days after that: the next ones settle the difference');

export const newNegotiatedPriceSchema = z.strictObject({
  plan: keySchema.optional().describe('Needed with a rateCard; absent: percentOff holds for all plans'),
  rateCard: keySchema.optional().describe('Key of a rate card of the plan; absent: percentOff holds for all of them'),
  percentOff: percentOffField
    .optional()
    .describe(
      'Without a rateCard, and then alone: off what every rate card comes to that has no negotiated price of its own, and is not priced by a phase',
    ),
  validFrom: instantSchema.optional().describe('Charged from here on, a whole minute; default the minute of now'),
  validUntil: instantSchema.optional().describe('Not included; from here on it is as without it; default for good'),
  price: priceSchema.optional().describe('Absent: that of the plan version, at any time'),
  modifiers: modifierOverridesSchema
    .optional()
    .describe('Each in place of that of the rate card, null in place of none; those that are absent are as in the plan version'),
  correction,
  note: text(1000).optional().describe('Why, for people'),
});
export type NewNegotiatedPrice = z.output<typeof newNegotiatedPriceSchema>;

export const negotiatedEndSchema = z.strictObject({
  at: instantSchema.optional().describe('A whole minute; default the minute of now, or its beginning if that is to come'),
  correction,
});
export type NegotiatedEndInput = z.output<typeof negotiatedEndSchema>;

/** What is missing of one price of a rate card, or of a percentage off all of them. */
export function shapeFaults({ plan, rateCard, percentOff, price, modifiers = {} }: NewNegotiatedPrice): FaultDetail[] {
  const hasTerms = price !== undefined || Object.keys(modifiers).length > 0;
  if (rateCard !== undefined) {
    return [
      ...(plan === undefined ? [{ path: 'plan', message: 'must say of which plan the rate card is' }] : []),
      ...(percentOff === undefined
        ? []
        : [{ path: 'percentOff', message: 'is modifiers.percentOff where it is of one rateCard' }]),
      ...(hasTerms ? [] : [{ path: 'price', message: 'say a price, modifiers, or both' }]),
    ];
  }
  return [
    ...(hasTerms ? [{ path: 'rateCard', message: 'must say of which rate card these are the price and modifiers' }] : []),
    ...(percentOff === undefined ? [{ path: 'percentOff', message: 'is needed without a rateCard' }] : []),
  ];
}
