import { Fault } from '../../faults/index.ts';
import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { PerSeatPrice } from '../../prices/index.ts';
import type { Line } from '../line.ts';
import { type Proration, type Usage, WHOLE_PERIOD } from '../usage.ts';
import { daysOf } from './flat.ts';
import type { Measure } from '../measure.ts';
import type { RateUsage } from './model.ts';

/** The seats held, which are a level and not a flow: what a part adds is what it brings them to, less what they were. */
export function perSeat(price: PerSeatPrice): RateUsage {
  const amount = ratio.read(price.seatAmount);
  const least = ratio.read(price.minimumSeats ?? '0');
  const included = ratio.read(price.includedSeats ?? '0');
  const billable = (seats: Ratio) => ratio.max(ratio.subtract(ratio.max(seats, least), included), ratio.ZERO);
  const heldLine = (seats: Ratio, share: Proration): Line[] => {
    if (ratio.sign(seats) === 0 || share.numerator === 0n) return [];
    const { includedSeats = null, minimumSeats = null } = price;
    const facts = () => ({ type: 'seats' as const, includedSeats, minimumSeats, ...daysOf(share) });
    return [
      {
        kind: 'seat',
        quantity: seats,
        unitAmount: price.seatAmount,
        amount: ratio.multiply(ratio.multiply(seats, amount), share),
        facts,
      },
    ];
  };
  return (usage) => {
    const { from, to, part, feesOnUse } = usage;
    const share = feesOnUse ? WHOLE_PERIOD : part.proration;
    const lines = heldLine(seatsDue(price, usage, billable), share);
    const seatsOf = ({ quantity }: Measure) => (part.sharesFees ? ratio.subtract(quantity, from.quantity) : quantity);
    let billed = billable(seatsOf(to));
    for (const { held, days } of usage.seatsLater) {
      const next = billable(seatsOf(held));
      const changed = ratio.subtract(next, billed);
      billed = next;
      lines.push(...changeLine(price, ratio.multiply(changed, amount), changed, daysShare(days, part.proration)));
    }
    return lines;
  };
}

/** In advance every part pays for the seats it adds, in arrears the last one for all. */
function seatsDue({ paymentTerm = 'advance' }: PerSeatPrice, usage: Usage, billable: (seats: Ratio) => Ratio): Ratio {
  const { from, to, part, feesOnUse } = usage;
  // Where fees wait for usage, no seats are none, whatever the minimum.
  const due = (seats: Ratio) => (feesOnUse && ratio.sign(seats) === 0 ? ratio.ZERO : billable(seats));
  if (part.sharesFees) return due(ratio.subtract(to.quantity, from.quantity));
  const sinceBefore = () => ratio.subtract(due(to.quantity), due(from.quantity));
  if (feesOnUse) return sinceBefore();
  if (paymentTerm === 'advance') return part.begins && !usage.billedBefore ? due(to.quantity) : sinceBefore();
  if (!part.ends) return ratio.ZERO;
  return part.begins && usage.billedBefore ? sinceBefore() : due(to.quantity);
}

function changeLine({ seatAmount }: PerSeatPrice, whole: Ratio, seats: Ratio, share: Proration): Line[] {
  if (ratio.sign(seats) === 0) return [];
  const facts = () => ({
    type: 'seat_change' as const,
    days: String(share.numerator),
    daysInPeriod: String(share.denominator),
    ...(share.unit && { unit: share.unit }),
  });
  return [{ kind: 'seat', quantity: seats, unitAmount: seatAmount, amount: ratio.multiply(whole, share), facts }];
}

function daysShare(days: number, { denominator, unit }: Proration): Proration {
  if (!Number.isSafeInteger(days) || days < 0 || (days > 0 && BigInt(days) > denominator)) {
    const message = `seats held for ${String(days)} days need a billing period of at least so many: daysInPeriod says how many it has`;
    throw new Fault('invalid', 'proration.invalid', message, { errors: [{ path: 'seatChanges', message }] });
  }
  return { numerator: BigInt(days), denominator, unit };
}
