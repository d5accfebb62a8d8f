import type { BasicPrice, MatrixPrice, PercentagePrice, PerSeatPrice, Price, Tier } from '@meterline/domain/prices';
import { Rational } from './rational.ts';
import { cellIndex, type Pile } from './usage.ts';

/** Usage of a part of a billing period, as what was there before it and what is there at its end. */
export interface Span {
  readonly before: readonly Pile[];
  readonly after: readonly Pile[];
  /** This part begins the period; ends it; and usage of the period was billed before it. */
  readonly begins: boolean;
  readonly ends: boolean;
  readonly settlesVolume: boolean;
  readonly billedBefore: boolean;
  readonly firstPeriod: boolean;
  /** Fees wait for the first unit: overage, and the cells of a matrix. */
  readonly waits: boolean;
  /** Days charged of the days in the period. */
  readonly share: Rational;
  readonly daysInPeriod: number;
  readonly seatsLater: readonly { readonly held: readonly Pile[]; readonly days: number }[];
}

/** Amounts by the line they stand in. */
export type Amounts = Map<string, Rational>;

const HUNDRED = Rational.of(100);

export function amountsOf(price: Price, span: Span): Amounts {
  return price.model === 'matrix' ? ofMatrix(price, span) : ofBasic(price, span);
}

/** Each bucket of usage is priced as if nothing else were there. */
function ofMatrix(price: MatrixPrice, span: Span): Amounts {
  const bucketOf = ({ dimensions }: Pile) =>
    [cellIndex(price.cells, dimensions), ...(price.groupBy ?? []).map((name) => dimensions[name] ?? '')].join('\u0000');
  const buckets = new Set([...span.before, ...span.after].map(bucketOf));
  const all: Amounts = new Map();
  for (const bucket of buckets) {
    const only = (piles: readonly Pile[]) => piles.filter((pile) => bucketOf(pile) === bucket);
    const cell = price.cells[Number(bucket.split('\u0000')[0])]?.price ?? price.default;
    if (!cell) continue;
    const amounts = ofBasic(cell, { ...span, before: only(span.before), after: only(span.after), waits: true });
    for (const [line, amount] of amounts) all.set(`${bucket}: ${line}`, amount);
  }
  return all;
}

function ofBasic(price: BasicPrice, span: Span): Amounts {
  const [before, after] = [total(span.before), total(span.after)];
  const growth = after.minus(before);
  switch (price.model) {
    case 'flat': {
      const fee = Rational.parse(price.amount);
      if (span.waits) return new Map([['fee', fee.times(Rational.of(begun(after) - begun(before)))]]);
      const due = (price.paymentTerm ?? 'arrears') === 'advance' ? span.begins : span.ends;
      if (price.interval === 'once') return new Map([['fee', due && span.firstPeriod ? fee : Rational.ZERO]]);
      return new Map([['fee', due ? fee.times(span.share) : Rational.ZERO]]);
    }
    case 'per_unit':
      return new Map([['units', growth.times(Rational.parse(price.unitAmount))]]);
    case 'dynamic':
      return new Map([['money', growth.times(Rational.parse(price.multiplier))]]);
    case 'graduated':
      return ofTiers(price.tiers, span, after, before);
    case 'graduated_percentage': {
      const tiers = price.tiers.map(({ rate, ...tier }) => ({
        ...tier,
        unitAmount: Rational.parse(rate).over(HUNDRED).toText(),
      }));
      return ofTiers(tiers, span, after, before);
    }
    case 'volume': {
      if (!span.settlesVolume) return new Map();
      const due = ofVolume(price.tiers, after, span.waits);
      if (!(span.begins && span.billedBefore)) return due;
      const back = [...ofVolume(price.tiers, before, span.waits)].map(
        ([line, amount]) => [`back ${line}`, amount.negated()] as const,
      );
      return new Map([...due, ...back]);
    }
    case 'package': {
      const packages = (units: Rational) => {
        const blocks = units
          .minus(Rational.parse(price.freeUnits ?? '0'))
          .most(Rational.ZERO)
          .over(Rational.parse(price.packageSize));
        const rule = price.blocks ?? 'up';
        return rule === 'prorated' ? blocks : blocks.rounded(0, rule === 'up' ? 'ceiling' : 'floor');
      };
      return new Map([['packages', packages(after).minus(packages(before)).times(Rational.parse(price.packageAmount))]]);
    }
    case 'percentage':
      return difference(ofEvents(price, span.after), ofEvents(price, span.before));
    case 'per_seat':
      return ofSeats(price, span, after, before);
  }
}

function total(piles: readonly Pile[]): Rational {
  return Rational.sum(piles.map((pile) => pile.quantity));
}

function begun(quantity: Rational): number {
  return quantity.isAbove(Rational.ZERO) ? 1 : 0;
}

function difference(after: Amounts, before: Amounts): Amounts {
  const lines = new Set([...after.keys(), ...before.keys()]);
  return new Map([...lines].map((line) => [line, (after.get(line) ?? Rational.ZERO).minus(before.get(line) ?? Rational.ZERO)]));
}

/** Fills tier after tier with the usage so far; a part pays what its end comes to beyond its beginning. */
function ofTiers(tiers: readonly Tier[], span: Span, after: Rational, before: Rational): Amounts {
  const filled = (quantity: Rational): Amounts => {
    const amounts: Amounts = new Map();
    let rest = quantity;
    let floor = Rational.ZERO;
    tiers.forEach(({ upTo, unitAmount, flatAmount }, index) => {
      const room = upTo === null ? rest : Rational.parse(upTo).minus(floor);
      const here = rest.least(room);
      const entered = index === 0 && !span.waits ? false : here.isAbove(Rational.ZERO);
      amounts.set(`units of tier ${index}`, here.times(Rational.parse(unitAmount)));
      amounts.set(`fee of tier ${index}`, entered ? Rational.parse(flatAmount ?? '0') : Rational.ZERO);
      rest = rest.minus(here);
      floor = floor.plus(room);
    });
    return amounts;
  };
  const amounts = difference(filled(after), filled(before));
  const opening = !span.waits && span.begins && !span.billedBefore;
  if (opening) amounts.set('fee of tier 0', Rational.parse(tiers[0]?.flatAmount ?? '0'));
  return amounts;
}

function ofVolume(tiers: readonly Tier[], quantity: Rational, waits: boolean): Amounts {
  if (waits && quantity.isZero()) return new Map();
  const tier = tiers.find(({ upTo }) => upTo === null || !quantity.isAbove(Rational.parse(upTo)));
  return new Map([
    ['units', quantity.times(Rational.parse(tier?.unitAmount ?? '0'))],
    ['fee', Rational.parse(tier?.flatAmount ?? '0')],
  ]);
}

/** What each event pays, one after the other, the smallest first. */
export function eventFees(
  price: PercentagePrice,
  values: readonly Rational[],
): { rate: Rational; fixed: Rational; limit: Rational }[] {
  const given = (text: string | null | undefined) =>
    text == null || Rational.parse(text).isZero() ? null : Rational.parse(text);
  const [freeEvents, freeAmount] = [given(price.freeEvents), given(price.freeAmount)];
  let open = freeEvents !== null || freeAmount !== null;
  let [events, money] = [Rational.ZERO, Rational.ZERO];
  return values
    .toSorted((a, b) => a.comparedTo(b))
    .map((value) => {
      events = events.plus(Rational.ONE);
      if (freeEvents !== null && events.isAbove(freeEvents)) open = false;
      const free = !open ? Rational.ZERO : freeAmount === null ? value : value.least(freeAmount.minus(money));
      money = money.plus(free);
      if (open && free.equals(value)) return { rate: Rational.ZERO, fixed: Rational.ZERO, limit: Rational.ZERO };
      open = false;
      const rate = value.minus(free).times(Rational.parse(price.rate)).over(HUNDRED);
      const fixed = Rational.parse(price.fixedAmount ?? '0');
      let fee = rate.plus(fixed);
      if (price.minimumPerEvent != null) fee = fee.most(Rational.parse(price.minimumPerEvent));
      if (price.maximumPerEvent != null) fee = fee.least(Rational.parse(price.maximumPerEvent));
      return { rate, fixed, limit: fee.minus(rate).minus(fixed) };
    });
}

function ofEvents(price: PercentagePrice, piles: readonly Pile[]): Amounts {
  const values = piles.flatMap((pile) => pile.values);
  const quantity = total(piles);
  // After free units or a conversion rounded as a whole the events no longer add up to what is priced: no rule looks at their values then.
  if (!Rational.sum(values).equals(quantity)) {
    const rated = quantity.minus(Rational.parse(price.freeAmount ?? '0')).most(Rational.ZERO);
    return new Map([
      ['rate', rated.times(Rational.parse(price.rate)).over(HUNDRED)],
      ['fixed', Rational.parse(price.fixedAmount ?? '0').times(Rational.of(values.length))],
    ]);
  }
  const fees = eventFees(price, values);
  const limits = (up: boolean) =>
    Rational.sum(fees.map(({ limit }) => limit).filter((limit) => limit.isAbove(Rational.ZERO) === up));
  return new Map([
    ['rate', Rational.sum(fees.map(({ rate }) => rate))],
    ['fixed', Rational.sum(fees.map(({ fixed }) => fixed))],
    ['raised', limits(true)],
    ['lowered', limits(false)],
  ]);
}

/** The seats held are a level: a part pays for what it adds to them. Seats that change within the period pay their days. */
function ofSeats(price: PerSeatPrice, span: Span, after: Rational, before: Rational): Amounts {
  const billed = (seats: Rational) =>
    seats
      .most(Rational.parse(price.minimumSeats ?? '0'))
      .minus(Rational.parse(price.includedSeats ?? '0'))
      .most(Rational.ZERO);
  const added = billed(after).minus(billed(before));
  const inAdvance = (price.paymentTerm ?? 'advance') === 'advance';
  let due: Rational;
  if (span.waits) due = (after.isZero() ? Rational.ZERO : billed(after)).minus(before.isZero() ? Rational.ZERO : billed(before));
  else if (inAdvance) due = span.begins && !span.billedBefore ? billed(after) : added;
  else if (!span.ends) due = Rational.ZERO;
  else due = span.begins && span.billedBefore ? added : billed(after);
  const fee = Rational.parse(price.seatAmount);
  const amounts: Amounts = new Map([['held', due.times(fee).times(span.waits ? Rational.ONE : span.share)]]);
  let seats = after;
  span.seatsLater.forEach((later, index) => {
    const next = total(later.held);
    const days = Rational.of(later.days, span.daysInPeriod);
    amounts.set(`change ${index}`, billed(next).minus(billed(seats)).times(fee).times(days));
    seats = next;
  });
  return amounts;
}
