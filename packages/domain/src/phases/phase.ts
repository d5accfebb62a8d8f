import { z } from 'zod';
import { entitlementSchema } from '../entitlements/index.ts';
import { wholeNumberField, keyField, nameField, strictFields } from '../prices/fields.ts';
import { modifiersSchema, percentOffField, priceSchema } from '../prices/index.ts';

const PHASES_MAX = 20;
export const REMIND_DAYS = 3;

const lastsSchema = strictFields('lasts', {
  days: wholeNumberField('days', 3_660).optional(),
  months: wholeNumberField('months', 120).optional(),
}).refine(({ days, months }) => (days === undefined) !== (months === undefined), 'lasts must hold either days or months');

const phaseCardSchema = strictFields('rate card of a phase', {
  key: keyField('key').describe('Of a rate card of the plan version'),
  price: priceSchema.optional().describe('Instead of that of the rate card, with `modifiers` instead of its own'),
  modifiers: modifiersSchema.optional(),
  percentOff: percentOffField.optional().describe('Of what the rate card comes to; 100 is free'),
}).check((context) => {
  const { price, modifiers, percentOff } = context.value;
  const fault = (path: string, message: string) =>
    context.issues.push({ code: 'custom', path: [path], message, input: context.value });
  if ((price === undefined) === (percentOff === undefined)) fault('price', 'a rate card of a phase has a price or percentOff');
  if (price === undefined && modifiers !== undefined) fault('modifiers', 'modifiers need a price');
});

const trialSchema = strictFields('trial', {
  converts: z
    .enum(['always', 'with_payment_method', 'on_request'], {
      error: 'converts must be "always", "with_payment_method" or "on_request"',
    })
    .describe('Whether the next phase follows: always, if the customer has a payment method by then, or if it was asked for'),
  otherwise: z
    .union([z.literal('end'), strictFields('otherwise', { plan: keyField('plan') })], {
      error: 'otherwise must be "end" or {"plan": "..."}',
    })
    .optional()
    .describe('What follows where it does not convert: the subscription ends (default), or goes on with another plan'),
  remindDays: wholeNumberField('remindDays', 90)
    .optional()
    .describe(`So many days before its end \`subscription.trial_will_end\` is sent; default ${REMIND_DAYS}`),
}).check((context) => {
  const { converts, otherwise } = context.value;
  if (converts !== 'always' || otherwise === undefined) return;
  const message = 'otherwise must be absent where the trial always converts';
  context.issues.push({ code: 'custom', path: ['otherwise'], message, input: context.value });
});

/** Days that a subscription to a plan version begins with, and what is otherwise in them. */
export const phaseSchema = strictFields('phase', {
  key: keyField('key'),
  name: nameField('name'),
  lasts: lastsSchema,
  percentOff: percentOffField.optional().describe('Of every rate card that the phase does not name; 100 is free'),
  rateCards: z.array(phaseCardSchema).optional().describe('Prices of the phase, by the key of the rate card'),
  features: z
    .array(strictFields('feature', { feature: keyField('feature'), entitlement: entitlementSchema }))
    .optional()
    .describe('Entitlements of the phase, instead of those of the plan version to the same features'),
  trial: trialSchema.optional().describe('Makes it a trial: no one-time fees, no commitment, and an end that is decided'),
});
export type PlanPhase = z.infer<typeof phaseSchema>;
export type Trial = z.infer<typeof trialSchema>;

/** In order; behind the last one the plan version is as it says itself. */
export const phasesSchema = z
  .array(phaseSchema)
  .max(PHASES_MAX, `must be at most ${PHASES_MAX} phases`)
  .check((context) => {
    const fault = (path: (string | number)[], message: string) =>
      context.issues.push({ code: 'custom', path, message, input: context.value });
    for (const [index, { key, trial, rateCards = [], features = [] }] of context.value.entries()) {
      if (context.value.findIndex((other) => other.key === key) !== index)
        fault([index, 'key'], `"${key}" is the key of another phase`);
      if (trial !== undefined && index > 0) fault([index, 'trial'], 'only the first phase can be a trial');
      for (const at of repeated(rateCards.map((card) => card.key)))
        fault([index, 'rateCards', at, 'key'], 'is named twice in the phase');
      for (const at of repeated(features.map(({ feature }) => feature)))
        fault([index, 'features', at, 'feature'], 'is named twice in the phase');
    }
  });

function repeated(keys: readonly string[]): number[] {
  return keys.flatMap((key, index) => (keys.indexOf(key) === index ? [] : [index]));
}
