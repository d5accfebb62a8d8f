import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { PercentagePrice } from '../../prices/index.ts';
import type { ValueCount } from '../measure.ts';

/** Events of one value alike: of each, `rated` money pays and `free` money does not; an event that is free whole pays nothing. */
interface FreedEvents {
  readonly rated: Ratio;
  readonly free: Ratio;
  readonly paid: boolean;
  readonly events: bigint;
}

/**
 * The first `freeEvents` events and the first `freeAmount` of money are free, whichever ends first, counted from the smallest value on.
 * The event in which the free amount ends pays for what is left of it. Zero of either is no limit, not none.
 */
export function freeingEvents(values: readonly ValueCount[], { freeEvents, freeAmount }: PercentagePrice): FreedEvents[] {
  let eventsLeft = isLimit(freeEvents) ? BigInt(freeEvents) : null;
  let amountLeft = isLimit(freeAmount) ? ratio.read(freeAmount) : null;
  const freed: FreedEvents[] = [];
  for (const { value, events } of values) {
    const whole = wholeEvents(value, events, eventsLeft, amountLeft);
    if (whole > 0n) freed.push({ rated: ratio.ZERO, free: value, paid: false, events: whole });
    if (eventsLeft !== null) eventsLeft -= whole;
    if (amountLeft !== null) amountLeft = ratio.subtract(amountLeft, ratio.multiply(value, ratio.whole(whole)));
    if (whole === events) continue;
    // The next event is not free whole, so nothing is after it; what is left of the free amount goes to it.
    const begun = amountLeft !== null && eventsLeft !== 0n ? amountLeft : ratio.ZERO;
    freed.push(paying(value, begun, 1n));
    if (events - whole > 1n) freed.push(paying(value, ratio.ZERO, events - whole - 1n));
    eventsLeft = 0n;
    amountLeft = ratio.ZERO;
  }
  return freed;
}

/** How many of these events are free whole. */
function wholeEvents(value: Ratio, events: bigint, eventsLeft: bigint | null, amountLeft: Ratio | null): bigint {
  if (eventsLeft === null && amountLeft === null) return 0n;
  const allowed = eventsLeft !== null && eventsLeft < events ? eventsLeft : events;
  if (amountLeft === null || ratio.sign(value) <= 0) return allowed;
  const fitting = ratio.round(ratio.divide(amountLeft, value), 0, 'down').units;
  return fitting < allowed ? fitting : allowed;
}

function paying(value: Ratio, free: Ratio, events: bigint): FreedEvents {
  return { rated: ratio.subtract(value, free), free, paid: true, events };
}

function isLimit(text: string | null | undefined): text is string {
  return text != null && /[1-9]/.test(text);
}
