import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import { type PercentagePrice, pricesSingleEvents } from '../../prices/index.ts';
import { exactText, type Line } from '../line.ts';
import type { LineKind } from '../evaluation.ts';
import type { Facts } from '../explain/facts.ts';
import { eventsIn, type Measure, singleEvents } from '../measure.ts';
import { freeingEvents } from './free-events.ts';
import type { EventFee, Model } from './model.ts';

/** What the usage so far comes to; a part charges the difference of two. */
interface Fees {
  /** Money that the rate applies to, and that is free. */
  readonly rated: Ratio;
  readonly free: Ratio;
  readonly paidEvents: bigint;
  readonly freeEvents: bigint;
  /** What the limits per event add and take off, and in how many events. */
  readonly raised: Ratio;
  readonly raisedEvents: bigint;
  readonly lowered: Ratio;
  readonly loweredEvents: bigint;
}

export function percent(rate: Ratio): Ratio {
  return { numerator: rate.numerator, denominator: rate.denominator * 100n };
}

/** A share of the money, plus a fee for each event, within the limits of each event. */
export function percentage(price: PercentagePrice): Model {
  const rate = percent(ratio.read(price.rate));
  const fixed = ratio.read(price.fixedAmount ?? '0');
  const [least, most] = [price.minimumPerEvent, price.maximumPerEvent].map((text) => (text == null ? null : ratio.read(text)));
  const freeAmount = ratio.read(price.freeAmount ?? '0');
  const single = pricesSingleEvents(price);

  const feeOf = (rated: Ratio) => {
    const fee = ratio.add(ratio.multiply(rated, rate), fixed);
    const raised = least ? ratio.max(ratio.subtract(least, fee), ratio.ZERO) : ratio.ZERO;
    const lowered = most ? ratio.max(ratio.subtract(fee, most), ratio.ZERO) : ratio.ZERO;
    return { fee, raised, lowered };
  };
  const ofSingleEvents = (measure: Measure): Fees => {
    let fees = NO_FEES;
    for (const { rated, free, paid, events } of freeingEvents(singleEvents(measure), price)) {
      const count = ratio.whole(events);
      const { raised, lowered } = paid ? feeOf(rated) : NO_LIMITS;
      fees = {
        rated: ratio.add(fees.rated, ratio.multiply(rated, count)),
        free: ratio.add(fees.free, ratio.multiply(free, count)),
        paidEvents: fees.paidEvents + (paid ? events : 0n),
        freeEvents: fees.freeEvents + (paid ? 0n : events),
        raised: ratio.add(fees.raised, ratio.multiply(raised, count)),
        raisedEvents: fees.raisedEvents + (ratio.sign(raised) > 0 ? events : 0n),
        lowered: ratio.add(fees.lowered, ratio.multiply(lowered, count)),
        loweredEvents: fees.loweredEvents + (ratio.sign(lowered) > 0 ? events : 0n),
      };
    }
    return fees;
  };
  const ofTotals = (measure: Measure): Fees => {
    const free = ratio.min(measure.quantity, freeAmount);
    const paidEvents = ratio.sign(fixed) === 0 ? 0n : eventsIn(measure);
    return { ...NO_FEES, rated: ratio.subtract(measure.quantity, free), free, paidEvents };
  };
  const feesOf = single ? ofSingleEvents : ofTotals;

  return {
    rate: ({ from, to }) => linesOf(price, rate, fixed, difference(feesOf(to), feesOf(from))),
    eventFees: (measure) =>
      freeingEvents(singleEvents(measure), price).map(({ rated, paid, events }): EventFee => {
        const { fee, raised, lowered } = feeOf(rated);
        return { amount: paid ? ratio.subtract(ratio.add(fee, raised), lowered) : ratio.ZERO, events };
      }),
  };
}

const NO_LIMITS = { raised: ratio.ZERO, lowered: ratio.ZERO };
const NO_FEES: Fees = {
  rated: ratio.ZERO,
  free: ratio.ZERO,
  paidEvents: 0n,
  freeEvents: 0n,
  raised: ratio.ZERO,
  raisedEvents: 0n,
  lowered: ratio.ZERO,
  loweredEvents: 0n,
};

function difference(a: Fees, b: Fees): Fees {
  return {
    rated: ratio.subtract(a.rated, b.rated),
    free: ratio.subtract(a.free, b.free),
    paidEvents: a.paidEvents - b.paidEvents,
    freeEvents: a.freeEvents - b.freeEvents,
    raised: ratio.subtract(a.raised, b.raised),
    raisedEvents: a.raisedEvents - b.raisedEvents,
    lowered: ratio.subtract(a.lowered, b.lowered),
    loweredEvents: a.loweredEvents - b.loweredEvents,
  };
}

function linesOf(price: PercentagePrice, rate: Ratio, fixed: Ratio, fees: Fees): Line[] {
  const { rated, free, paidEvents, freeEvents, raised, raisedEvents, lowered, loweredEvents } = fees;
  const { fixedAmount, minimumPerEvent, maximumPerEvent } = price;
  const rateText = price.rate;
  const counted = (kind: LineKind, events: bigint, amount: Ratio, facts: Facts, unitAmount: string | null = null): Line => ({
    kind,
    quantity: ratio.whole(events),
    unitAmount,
    amount,
    facts: () => facts,
  });
  const lines: Line[] = [];
  if (freeEvents !== 0n) lines.push(counted('included', freeEvents, ratio.ZERO, { type: 'free_events' }));
  if (ratio.sign(free) !== 0) lines.push(money('included', free, ratio.ZERO, { type: 'free_amount' }));
  if (ratio.sign(rated) !== 0) {
    lines.push(money('percentage', rated, ratio.multiply(rated, rate), { type: 'rate', rate: rateText }));
  }
  const eventFees = ratio.multiply(fixed, ratio.whole(paidEvents));
  if (ratio.sign(eventFees) !== 0)
    lines.push(counted('event', paidEvents, eventFees, { type: 'event_fees' }, fixedAmount ?? null));
  if (ratio.sign(raised) !== 0) {
    lines.push(counted('event', raisedEvents, raised, { type: 'event_minimum', minimum: minimumPerEvent ?? exactText(raised) }));
  }
  if (ratio.sign(lowered) !== 0) {
    const facts: Facts = { type: 'event_maximum', maximum: maximumPerEvent ?? exactText(lowered) };
    lines.push(counted('event', loweredEvents, ratio.negate(lowered), facts));
  }
  return lines;
}

function money(kind: LineKind, quantity: Ratio, amount: Ratio, facts: Facts): Line {
  return { kind, quantity, unitAmount: null, amount, facts: () => facts };
}
