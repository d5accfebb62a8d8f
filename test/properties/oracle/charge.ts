import { currencyExponent, type RoundingMode } from '@meterline/domain/money';
import type { Modifiers, Price } from '@meterline/domain/prices';
import { amountsOf, eventFees, type Span } from './models.ts';
import { Rational } from './rational.ts';
import { cellIndex, cutAt, type Pile, pilesOf, type UsageEvent } from './usage.ts';

/** A charge to work out from its single events. */
export interface Question {
  readonly currency: string;
  readonly price: Price;
  readonly modifiers: Modifiers;
  readonly before: readonly UsageEvent[];
  readonly now: readonly UsageEvent[];
  readonly seatChanges: readonly { readonly seats: Rational; readonly days: number }[];
  readonly position?: 'first' | 'middle' | 'last' | undefined;
  readonly previousAmount?: Rational | undefined;
  readonly previousCredits?: Rational | undefined;
  readonly carriedUnits: Rational;
  readonly firstPeriod: boolean;
  /** Minimum and maximum are for `days` of `daysInPeriod`, too. */
  readonly sharesLimits: boolean;
  readonly days: number;
  readonly daysInPeriod: number;
}

/** The exact charge, and what it comes to in money, by the parts of an evaluation. */
export interface Answer {
  readonly exactAmount: Rational;
  readonly amount: Rational;
  readonly discounts: Rational;
  readonly charges: Rational;
  readonly credits: Rational;
  readonly total: Rational;
}

type Book = Record<'priced' | 'off' | 'raised' | 'paid', Rational>;

/** The charge by the specification, step by step: conversion, free units, allowance, price, percent off, maximum, minimum, credits. */
export function answerOf(question: Question): Answer {
  const { modifiers, position } = question;
  const mode = modifiers.rounding?.mode ?? 'half_up';
  const inMoney = (amount: Rational) => amount.rounded(currencyExponent(question.currency), mode);
  const begins = position === undefined || position === 'first';
  const ends = position === undefined || position === 'last';
  const previousAmount = question.previousAmount ?? Rational.ZERO;

  if (modifiers.rounding?.scope !== 'cumulative') {
    const book = limited(question, question.before, [...question.before, ...question.now], { begins, ends }, previousAmount);
    return settled(question, book, previousAmount, Rational.ZERO, inMoney);
  }
  // The charge of the period so far, rounded, less what was billed of it.
  const soFar = (events: readonly UsageEvent[], last: boolean) =>
    limited(question, [], events, { begins: true, ends: last }, Rational.ZERO);
  const book = soFar([...question.before, ...question.now], ends);
  const untouched = begins && Rational.sum(question.before.map(({ value }) => value)).isZero();
  const billed = question.previousAmount ?? (untouched ? Rational.ZERO : inMoney(sumOf(soFar(question.before, begins && ends))));
  return settled(question, { ...book, priced: book.priced.minus(billed) }, billed, billed, inMoney);
}

function sumOf({ priced, off, raised, paid }: Book): Rational {
  return Rational.sum([priced, off, raised, paid]);
}

/** Price, percent off, maximum and minimum. */
function limited(
  question: Question,
  before: readonly UsageEvent[],
  after: readonly UsageEvent[],
  part: { readonly begins: boolean; readonly ends: boolean },
  previousAmount: Rational,
): Book {
  const { price, modifiers } = question;
  const { percentOff, maximumSpend, minimumSpend } = modifiers;
  const limitOf = (text: string) =>
    Rational.parse(text).times(question.sharesLimits ? Rational.of(question.days, question.daysInPeriod) : Rational.ONE);
  const lines = pricedLines(question, before, after, part);
  const round = lineRounding(question);
  const priced = Rational.sum(lines.map(round)).plus(roundedEvents(price, question, before, after));
  let off = round(
    priced
      .times(Rational.parse(percentOff ?? '0'))
      .over(Rational.of(100))
      .negated(),
  );
  if (maximumSpend !== undefined) {
    const charge = priced.plus(off);
    const excess = previousAmount.plus(charge).minus(limitOf(maximumSpend)).least(charge).most(Rational.ZERO);
    off = off.plus(round(excess.negated()));
  }
  let raised = Rational.ZERO;
  if (minimumSpend !== undefined && part.ends) {
    const missing = limitOf(minimumSpend).minus(previousAmount.plus(priced).plus(off));
    raised = round(missing.most(Rational.ZERO));
  }
  return { priced, off, raised, paid: Rational.ZERO };
}

/** Credits get back what a lower charge no longer needs, or pay from where they stand; at last the one rounding of the whole. */
function settled(question: Question, book: Book, previousAmount: Rational, billed: Rational, inMoney: Rounder): Answer {
  const round = lineRounding(question);
  const charge = sumOf(book);
  const charged = previousAmount.plus(charge).most(Rational.ZERO);
  const spentBefore = question.previousCredits ?? Rational.ZERO;
  let paid = Rational.ZERO;
  if (spentBefore.isAbove(charged)) {
    paid = round(spentBefore.minus(charged));
  } else {
    let [skipped, due] = [spentBefore, charge];
    for (const grant of (question.modifiers.credits ?? []).map((text) => Rational.parse(text))) {
      const gone = grant.least(skipped);
      const spent = grant.minus(gone).least(due).most(Rational.ZERO);
      paid = paid.plus(round(spent.negated()));
      [skipped, due] = [skipped.minus(gone), due.minus(spent)];
    }
  }
  const whole = { ...book, paid };
  // Where a part of a rounded whole was billed before, the whole is rounded, not what is left of it.
  const upTo = (...parts: (keyof Book)[]) =>
    inMoney(Rational.sum(parts.map((part) => whole[part])).plus(billed))
      .minus(billed)
      .rounded(currencyExponent(question.currency), 'half_up');
  const [amount, discounted, raised] = [upTo('priced'), upTo('priced', 'off'), upTo('priced', 'off', 'raised')];
  // Credits of whole smallest units take exactly themselves off the rounded charge.
  const total = inMoney(paid).equals(paid) ? raised.plus(paid) : upTo('priced', 'off', 'raised', 'paid');
  return {
    exactAmount: sumOf(whole),
    amount,
    discounts: amount.minus(discounted),
    charges: raised.minus(discounted),
    credits: raised.minus(total),
    total,
  };
}

type Rounder = (amount: Rational) => Rational;

/** Rounds each line by itself where the price says so. */
function lineRounding({ currency, modifiers: { rounding } }: Question): Rounder {
  const { mode, scope }: { mode: RoundingMode; scope?: string | undefined } = rounding ?? { mode: 'half_up' };
  return (amount) => (scope === 'line' ? amount.rounded(currencyExponent(currency), mode) : amount);
}

function pricedLines(
  question: Question,
  before: readonly UsageEvent[],
  after: readonly UsageEvent[],
  part: { readonly begins: boolean; readonly ends: boolean },
): Rational[] {
  const { price, modifiers, firstPeriod, daysInPeriod } = question;
  const { freeUnits, allowance } = modifiers;
  const dividedAt = (events: readonly UsageEvent[]) => {
    const billable = cutAt(pilesOf(events, price, modifiers), Rational.parse(freeUnits ?? '0')).beyond;
    const included = Rational.parse(allowance?.units ?? '0').plus(allowance ? question.carriedUnits : Rational.ZERO);
    return cutAt(billable, included);
  };
  const moments = [before, after].map(dividedAt);
  const spanOf = (side: 'within' | 'beyond', waits: boolean): Span => {
    const [from, to] = moments.map((moment) => moment[side]) as [Pile[], Pile[]];
    return {
      ...{ before: from, after: to, begins: part.begins, ends: part.ends, settlesVolume: part.ends, waits, firstPeriod },
      billedBefore: before.some(({ value }) => value.isAbove(Rational.ZERO)),
      share: Rational.of(question.days, daysInPeriod),
      daysInPeriod,
      seatsLater: waits ? [] : seatsLater(question, after).map(({ held, days }) => ({ held: dividedAt(held)[side], days })),
    };
  };
  if (!allowance?.overagePrice) return [...amountsOf(price, spanOf('beyond', false)).values()];
  const overage = amountsOf(allowance.overagePrice, spanOf('beyond', true));
  return [...amountsOf(price, spanOf('within', false)).values(), ...overage.values()];
}

/** The seats that changes lead to, never fewer than none, each as one event of so many. */
function seatsLater({ seatChanges }: Question, events: readonly UsageEvent[]): { held: UsageEvent[]; days: number }[] {
  let seats = Rational.sum(events.map(({ value }) => value));
  return seatChanges.map((change) => {
    seats = seats.plus(change.seats).most(Rational.ZERO);
    return { held: [{ value: seats, dimensions: {} }], days: change.days };
  });
}

/** What rounding each event adds to the price of all, where each event has a price of its own. */
function roundedEvents(
  price: Price,
  { currency, modifiers }: Question,
  before: readonly UsageEvent[],
  after: readonly UsageEvent[],
): Rational {
  const { rounding } = modifiers;
  if (rounding?.scope !== 'event') return Rational.ZERO;
  const gain = (amount: Rational) => amount.rounded(currencyExponent(currency), rounding.mode).minus(amount);
  const gains = (events: readonly UsageEvent[]) => {
    const piles = pilesOf(events, price, modifiers);
    const cells = new Map<unknown, { basic: Price | undefined; values: Rational[] }>();
    for (const { dimensions, values } of piles) {
      const cell = price.model === 'matrix' ? cellIndex(price.cells, dimensions) : 0;
      const groups = price.model === 'matrix' ? (price.groupBy ?? []).map((name) => dimensions[name] ?? '') : [];
      const basic = price.model === 'matrix' ? (price.cells[cell]?.price ?? price.default) : price;
      const key = [cell, ...groups].join('\u0000');
      cells.set(key, { basic, values: [...(cells.get(key)?.values ?? []), ...values] });
    }
    return Rational.sum([...cells.values()].flatMap(({ basic, values }) => feesOf(basic, values).map(gain)));
  };
  return gains(after).minus(gains(before));
}

function feesOf(price: Price | undefined, values: readonly Rational[]): Rational[] {
  if (price?.model === 'per_unit') return values.map((value) => value.times(Rational.parse(price.unitAmount)));
  if (price?.model === 'dynamic') return values.map((value) => value.times(Rational.parse(price.multiplier)));
  if (price?.model !== 'percentage') return [];
  return eventFees(price, values).map(({ rate, fixed, limit }) => rate.plus(fixed).plus(limit));
}
