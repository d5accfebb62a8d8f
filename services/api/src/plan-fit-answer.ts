import {
  type Assessment,
  type FitLanguage,
  FITS,
  type Fits,
  fitSentence,
  TOO_LARGE_BELOW_PERCENT,
  TOO_SMALL_ABOVE_PERCENT_OF_MONTHS,
} from '@meterline/domain/plan-fit';
import { formatInstant, formatLocalDay } from '@meterline/domain/time';
import type { CustomerFit } from '@meterline/pipeline/plan-fit';
import { z } from 'zod';
import { instantAnswer } from './fields.ts';
import { asOfSchema, periodSchema } from './spend.ts';

const decimalText = z.string().describe('Exact decimal');
const percentText = z.string().describe('Percentage, to one decimal');
const planVersionFields = { plan: z.string(), planVersion: z.int() };

const billedEvery = z
  .enum(['week', 'month', 'quarter', 'half_year', 'year'])
  .describe('How often it bills; of another period than a month, amounts are its share of the months');

const allowanceSchema = z.object({
  key: z.string().describe('Of the rate card'),
  name: z.string(),
  meter: z.string(),
  included: decimalText.describe('Units included in a billing period: its allowance and free units'),
  months: z.array(
    z.object({
      used: decimalText,
      carried: decimalText.describe('Units that the month before left over'),
      percent: percentText.nullable().describe('Of what is included in a month, or the share of one, without carried units'),
      exceeded: z.boolean(),
    }),
  ),
  averagePercent: percentText.nullable(),
  monthsExceeded: z.int(),
  size: z.enum(['too_large', 'too_small', 'right']),
});
const costsSchema = z.object({
  ...planVersionFields,
  name: z.string(),
  every: billedEvery,
  subscription: z.string().nullable().describe("The customer's subscription that has these terms"),
  isOffered: z.boolean().describe('Whether a new subscription would get these terms'),
  months: z.array(decimalText).describe('What each month would have cost, or its equal share of a longer or shorter period'),
  total: decimalText,
  average: decimalText,
  doubledTotal: decimalText.describe('With twice the usage'),
  doubledAverage: decimalText,
  allowances: z.array(allowanceSchema),
});
const choiceSchema = z.object({
  ...planVersionFields,
  every: billedEvery,
  isCurrent: z.boolean(),
  total: decimalText,
  average: decimalText.describe('Of a month'),
  saving: decimalText.nullable().describe('Against the subscription, over the months'),
  savingPercent: percentText.nullable(),
});
const assessmentSchema = z.object({
  subscription: z.object({ id: z.string(), ...planVersionFields }).nullable(),
  fits: z
    .enum(FITS)
    .describe(
      `too_large: less than ${TOO_LARGE_BELOW_PERCENT} % of every allowance was used on average; ` +
        `too_small: one was exceeded in more than ${TOO_SMALL_ABOVE_PERCENT_OF_MONTHS} % of the months`,
    ),
  total: decimalText.nullable().describe("What the subscription's plan would have cost"),
  allowance: z
    .object({
      key: z.string(),
      name: z.string(),
      included: decimalText,
      averagePercent: percentText.nullable(),
      monthsExceeded: z.int(),
    })
    .nullable()
    .describe('The allowance that tells most'),
  growthPercent: percentText.nullable().describe('Of its usage, from month to month'),
  now: choiceSchema.nullable().describe('The plan that fits the usage as it is; null if none prices all of it'),
  doubled: choiceSchema.nullable().describe('The plan that fits twice the usage'),
  uncovered: z
    .array(z.object({ ...planVersionFields, meters: z.array(z.string()) }))
    .describe('Plans that cannot stand in, as they do not price these meters, which were used'),
  sentence: z.string(),
});
const peakSchema = { firstDay: z.string().meta({ format: 'date' }), quantity: decimalText };
const meterSchema = z.object({
  meter: z.string(),
  name: z.string(),
  aggregation: z.string(),
  months: z.array(decimalText),
  peakMonth: z.object(peakSchema).nullable(),
  peakDay: z.object({ day: peakSchema.firstDay, quantity: decimalText, percentOfMonth: percentText.nullable() }).nullable(),
  trend: z
    .object({ growthPercent: percentText, forecast: decimalText.describe('The next month') })
    .nullable()
    .describe('Null with too little history'),
  scaling: z
    .enum(['exact', 'assumed', 'unchanged'])
    .describe('Whether twice the usage is twice the quantity exactly, is assumed to be, or leaves it as it is'),
});
const monthSchema = periodSchema.extend({ firstDay: peakSchema.firstDay, days: z.int() });
export const fitSchema = z.object({
  customer: z.string(),
  currency: z.string(),
  timezone: z.string(),
  asOf: asOfSchema,
  monthsAsked: z.int(),
  months: z.array(monthSchema).describe('Months of history, oldest first; lists by month are in their order'),
  assessments: z.array(assessmentSchema).describe('One for each subscription; without any, one for what was used'),
  plans: z.array(costsSchema).describe('Cheapest first'),
  notCompared: z.array(z.object({ ...planVersionFields, reason: z.enum(['meter_archived']) })),
  usage: z.array(meterSchema),
});
export const reportItemSchema = assessmentSchema
  .omit({ uncovered: true })
  .extend({ customer: z.string(), name: z.string(), currency: z.string(), months: z.int(), at: instantAnswer });

function showAssessment(assessment: Assessment, fit: CustomerFit, language: FitLanguage): z.input<typeof assessmentSchema> {
  const { subscription, allowance, current, uncovered, ...shown } = assessment;
  return {
    ...shown,
    subscription: subscription && { id: subscription.id, plan: subscription.plan, planVersion: subscription.planVersion },
    total: current && current.total,
    allowance: allowance && {
      key: allowance.key,
      name: allowance.name,
      included: allowance.included,
      averagePercent: allowance.averagePercent,
      monthsExceeded: allowance.monthsExceeded,
    },
    uncovered: uncovered.map((plan) => ({ ...plan, meters: [...plan.meters] })),
    sentence: fitSentence({ assessment, currency: fit.currency, months: fit.months.length }, language),
  };
}

export function showFit(fit: CustomerFit, monthsAsked: number, language: FitLanguage): z.input<typeof fitSchema> {
  const dayOf = (ms: number) => formatLocalDay(ms, fit.timezone);
  return {
    customer: fit.customer,
    currency: fit.currency,
    timezone: fit.timezone,
    asOf: { cut: [...fit.asOf.cut], at: formatInstant(fit.asOf.atMs) },
    monthsAsked,
    months: fit.months.map(({ fromMs, toMs, days }) => ({
      from: formatInstant(fromMs),
      to: formatInstant(toMs),
      firstDay: dayOf(fromMs),
      days,
    })),
    assessments: fit.assessments.map((assessment) => showAssessment(assessment, fit, language)),
    plans: fit.plans.map(({ meters: _meters, allowances, months, ...plan }) => ({
      ...plan,
      months: [...months],
      allowances: allowances.map((allowance) => ({ ...allowance, months: [...allowance.months] })),
    })),
    notCompared: [...fit.notCompared],
    usage: fit.meters.map(({ meter, peakMonth, peakDay, months, ...used }) => ({
      meter: meter.key,
      name: meter.name,
      aggregation: meter.aggregation,
      ...used,
      months: [...months],
      peakMonth: peakMonth && { firstDay: dayOf(peakMonth.fromMs), quantity: peakMonth.quantity },
      peakDay: peakDay && {
        day: dayOf(peakDay.fromMs),
        quantity: peakDay.quantity,
        percentOfMonth: peakDay.percentOfMonth,
      },
    })),
  };
}

/** A row for each assessment of the customer that `fits` (absent: for all). */
export function showReportItems(
  fit: CustomerFit,
  fits: Fits | undefined,
  language: FitLanguage,
): z.input<typeof reportItemSchema>[] {
  const { customer, name, currency, asOf } = fit;
  return fit.assessments
    .filter((assessment) => fits === undefined || assessment.fits === fits)
    .map((assessment) => {
      const { uncovered: _uncovered, ...shown } = showAssessment(assessment, fit, language);
      return { customer, name, currency, months: fit.months.length, at: formatInstant(asOf.atMs), ...shown };
    });
}
