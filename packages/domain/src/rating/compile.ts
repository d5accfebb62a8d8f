import { Fault } from '../faults/index.ts';
import { isCurrency } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { Modifiers, Price } from '../prices/index.ts';
import type { Charge } from './charge.ts';
import type { PeriodPosition } from './evaluation.ts';
import { amountOf, type Line, withAmount } from './line.ts';
import { type MeasuredInput, type Measure, measureOf, notBelowZero, NOTHING, sumOf } from './measure.ts';
import type { SeatChange } from './metered-usage.ts';
import {
  type Bill,
  CREDITS,
  LIMITS,
  type MoneyStep,
  type MoneyTerms,
  moneyTermsOf,
  shareOfLimits,
  usageSteps,
} from './modifiers/index.ts';
import { type Rounding, roundingOf, roundLines, rounded } from './rounding.ts';
import { seatsLater } from './seats-later.ts';
import { type PeriodPart, type Proration, type Usage, WHOLE_PERIOD } from './usage.ts';

export interface PriceTerms {
  readonly currency: string;
  readonly price: Price;
  readonly modifiers?: Modifiers | undefined;
}

/** The usage to charge, and where in the billing period it stands; see `PriceInput`. */
export interface ChargeInput {
  readonly usage: MeasuredInput & { readonly seatChanges?: readonly SeatChange[] | undefined };
  readonly previousUsage?: MeasuredInput | undefined;
  readonly previousAmount?: string | undefined;
  readonly previousCredits?: string | undefined;
  readonly periodPosition?: PeriodPosition | undefined;
  readonly carriedUnits?: string | undefined;
  readonly firstPeriod?: boolean | undefined;
  readonly proration?: Proration | undefined;
  /** Whether minimum and maximum are for the same share of the period as its fees; default false: whole. */
  readonly sharesLimits?: boolean | undefined;
}

/** What a charge came to, exact and unwritten: `evaluationOf` rounds it and says how it came about. */
export interface Charged {
  readonly lines: readonly Line[];
  readonly exactAmount: Ratio;
  readonly rounding: Rounding;
  readonly currency: string;
  /** What was billed before of an amount that is rounded as a whole: `exactAmount` is what is left of it. */
  readonly billed: Ratio;
}

/** Price and modifiers with their numbers read: as lean to ask a million times as once. */
export interface CompiledPrice {
  readonly rounding: Rounding;
  readonly money: MoneyTerms;
  /** What the price asks for `input`. Throws Fault `decimal.malformed`, or one that names what of the usage is missing. */
  charge(input: ChargeInput): Charged;
  /**
   * What is due now of a period billed in parts: the price of its usage so far (`input.usage`, all of it) less `previousAmount`. Volume
   * tiers are charged as they stand, fees in arrears and the minimum with the last part. However usage came and was corrected, the
   * parts add up to what the whole period costs.
   */
  chargeSoFar(input: Omit<ChargeInput, 'previousUsage'>): Charged;
  /** The lines of usage alone, before maximum, minimum and credits. */
  linesOf(usage: Usage, carriedUnits: Ratio): readonly Line[];
}

/** Price and modifiers must have passed their schemas. Throws Fault `currency.unknown`. */
export function compilePrice({ currency, price, modifiers = {} }: PriceTerms): CompiledPrice {
  refuseUnknown(currency);
  const rounding = roundingOf(modifiers, currency);
  const steps = usageSteps(modifiers, rounding, price);
  const money = moneyTermsOf(modifiers);
  const isLimited = money.maximum !== null || money.minimum !== null;

  const linesOf = (usage: Usage, carriedUnits: Ratio): readonly Line[] => {
    let charge: Charge = { portions: [{ overage: null, usage }], lines: [], carriedUnits };
    for (const step of steps) {
      charge = step(charge);
      if (rounding.scope === 'line') charge = { ...charge, lines: roundLines(charge.lines, rounding) };
    }
    return charge.lines;
  };
  const usageIn = (from: Measure, to: Measure, part: PeriodPart, { usage }: ChargeInput): Usage => {
    const billedBefore = ratio.sign(from.quantity) > 0;
    return { from, to, end: to, part, billedBefore, seatsLater: seatsLater(price, to, usage.seatChanges), feesOnUse: false };
  };
  const limited = (usage: Usage, input: LimitedInput, previousAmount: Ratio) =>
    applyMoney(
      LIMITS,
      linesOf(usage, readOrZero(input.carriedUnits)),
      isLimited && input.sharesLimits ? shareOfLimits(money, usage.part.proration) : money,
      { ...NO_BILL, previousAmount, ends: usage.part.ends },
      rounding,
    );
  const paid = (lines: readonly Line[], input: PaidBefore, previousAmount: Ratio, billed: Ratio): Charged => {
    const bill = { ...NO_BILL, previousAmount, previousCredits: readOrZero(input.previousCredits) };
    const all = applyMoney(CREDITS, lines, money, bill, rounding);
    return { lines: all, exactAmount: amountOf(all), rounding, currency, billed };
  };
  /** The charge of the period up to where `usage` ends, less what was billed of it. */
  const lessBilled = (usage: Usage, input: ChargeInput, billed: Ratio): Charged => {
    const lines = limited(usage, input, ratio.ZERO);
    return paid(
      withAmount(lines, 'billed', ratio.negate(billed), () => ({ type: 'billed_before' })),
      input,
      billed,
      billed,
    );
  };

  const cumulative = (from: Measure, to: Measure, input: ChargeInput): Charged => {
    const part = partOf(input);
    const wholeTo = (end: Measure, ends: boolean) =>
      usageIn(NOTHING, end, { ...part, begins: true, ends, settlesVolume: ends }, input);
    const nothingBefore = part.begins && ratio.sign(from.quantity) === 0;
    const billedBefore = () => rounded(amountOf(limited(wholeTo(from, part.begins && part.ends), input, ratio.ZERO)), rounding);
    const billed =
      input.previousAmount === undefined ? (nothingBefore ? ratio.ZERO : billedBefore()) : ratio.read(input.previousAmount);
    return lessBilled(wholeTo(to, part.ends), input, billed);
  };

  return {
    rounding,
    money,
    linesOf,
    charge(input) {
      const before = input.previousUsage ? measureOf(input.previousUsage) : NOTHING;
      const from = notBelowZero(before);
      const to = notBelowZero(sumOf(before, measureOf(input.usage)));
      if (rounding.scope === 'cumulative') return cumulative(from, to, input);
      const previousAmount = readOrZero(input.previousAmount);
      return paid(limited(usageIn(from, to, partOf(input), input), input, previousAmount), input, previousAmount, ratio.ZERO);
    },
    chargeSoFar(input) {
      const part = { ...partOf(input), begins: true, settlesVolume: true };
      return lessBilled(
        usageIn(NOTHING, notBelowZero(measureOf(input.usage)), part, input),
        input,
        readOrZero(input.previousAmount),
      );
    },
  };
}

type LimitedInput = Pick<ChargeInput, 'carriedUnits' | 'sharesLimits'>;
type PaidBefore = Pick<ChargeInput, 'previousCredits'>;

/** A whole period at once. */
export const NO_BILL: Bill = { previousAmount: ratio.ZERO, previousCredits: ratio.ZERO, ends: true };

function readOrZero(text: string | undefined): Ratio {
  return text === undefined ? ratio.ZERO : ratio.read(text);
}

/** Takes the steps in their order; where the price rounds by line, every line is round as soon as it is there. */
export function applyMoney(
  moneySteps: readonly MoneyStep[],
  lines: readonly Line[],
  terms: MoneyTerms,
  bill: Bill,
  rounding: Rounding,
): readonly Line[] {
  let made = lines;
  for (const step of moneySteps) {
    const next = step(made, terms, bill);
    made = rounding.scope === 'line' ? roundLines(next, rounding) : next;
  }
  return made;
}

function partOf({ periodPosition: position, firstPeriod = true, proration = WHOLE_PERIOD }: ChargeInput): PeriodPart {
  const ends = position === undefined || position === 'last';
  const begins = position === undefined || position === 'first';
  return { begins, ends, settlesVolume: ends, sharesFees: false, firstPeriod, proration };
}

function refuseUnknown(currency: string): void {
  if (isCurrency(currency)) return;
  throw new Fault('invalid', 'currency.unknown', `${JSON.stringify(currency)} is not an ISO 4217 currency code`, {
    errors: [{ path: 'currency', message: 'currency must be an ISO 4217 code in capitals, such as "USD"' }],
  });
}
