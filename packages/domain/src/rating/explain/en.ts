import type { RoundingMode } from '../../money/index.ts';
import type { TierPlace } from '../evaluation.ts';
import type { Days } from './facts.ts';
import type { ToldLine } from './told-line.ts';

const MODES: Record<RoundingMode, string> = {
  half_up: 'half up',
  half_even: 'half to even',
  up: 'up',
  down: 'down',
  ceiling: 'to the ceiling',
  floor: 'to the floor',
};

const SCOPES = {
  event: 'each event',
  line: 'each line',
  charge: 'the charge',
  invoice: 'the total of the invoice',
  cumulative: 'the charge of the period so far',
};

export function english(line: ToldLine): string {
  const { context = {} } = line;
  const { overage, takenBack, group, version, roundedFrom } = context;
  const place = [
    version === undefined ? '' : `Price ${version}: `,
    overage ? 'Overage: ' : '',
    takenBack ? 'Billed before: ' : '',
    group
      ? `${
          Object.values(group)
            .map((value) => value || '(none)')
            .join(', ') || 'Other'
        }: `
      : '',
  ].join('');
  const told = sentence(takenBack ? { ...line, quantity: unsigned(line.quantity ?? '') } : line);
  return place + told + (roundedFrom === undefined ? '' : `, rounded from ${roundedFrom}`);
}

function sentence({ tier, facts, ...line }: ToldLine): string {
  const quantity = line.quantity ?? '';
  const unitAmount = line.unitAmount ?? '';
  const units = counted(quantity, 'unit');
  switch (facts.type) {
    case 'flat_fee':
      return `${facts.count === undefined ? 'Flat fee' : `${facts.count} flat fees`} of ${unitAmount}${share(facts)}`;
    case 'one_time_fee':
      return `${facts.count === undefined ? 'One-time fee' : `${facts.count} one-time fees`} of ${unitAmount}`;
    case 'units':
      return `${units} at ${unitAmount}`;
    case 'tier_units':
      return `${units} at ${unitAmount} (${tierName(tier)})`;
    case 'tier_rate':
      return `${facts.rate} % of ${quantity} (${tierName(tier)})`;
    case 'tier_fee':
      return `Flat amount of ${facts.flatAmount} (${tierName(tier)})`;
    case 'packages': {
      const free = facts.freeUnits === null ? '' : ` beyond ${facts.freeUnits} free ones`;
      return `${counted(quantity, 'package')} of ${facts.packageSize} units at ${unitAmount}${free}`;
    }
    case 'rate':
      return `${facts.rate} % of ${quantity}`;
    case 'event_fees':
      return `${counted(quantity, 'event')} at ${unitAmount}`;
    case 'event_minimum':
      return `${counted(quantity, 'event')} raised to the minimum of ${facts.minimum} each`;
    case 'event_maximum':
      return `${counted(quantity, 'event')} capped at the maximum of ${facts.maximum} each`;
    case 'free_events':
      return `${counted(quantity, 'event')} free of charge`;
    case 'free_amount':
      return `${quantity} free of charge`;
    case 'multiplied':
      return `${quantity} times ${facts.multiplier}`;
    case 'seats': {
      const least = facts.minimumSeats === null ? '' : `, at least ${facts.minimumSeats} billed`;
      const included = facts.includedSeats === null ? '' : ` beyond ${facts.includedSeats} included`;
      return `${counted(quantity, 'seat')} at ${unitAmount}${included}${least}${share(facts)}`;
    }
    case 'seat_change': {
      const back = quantity.startsWith('-');
      const seats = counted(unsigned(quantity), 'seat');
      return `${seats} ${back ? 'given back' : 'added'} at ${unitAmount}${share(facts)}`;
    }
    case 'converted': {
      const sign = facts.operation === 'divide' ? '/' : '*';
      const rounding = facts.rounding
        ? `, ${facts.rounding.scope === 'event' ? 'each event ' : ''}rounded ${MODES[facts.rounding.mode]} to ${facts.rounding.decimals} decimals`
        : '';
      return `${facts.source} ${sign} ${facts.factor} = ${units}${rounding}`;
    }
    case 'weighted':
      return `${counted(facts.source, 'unit')} of ${facts.value || '(none)'} count ${facts.factor} each: ${quantity}`;
    case 'free_units':
      return `${units} included in ${facts.units} free units`;
    case 'allowance': {
      const carried = facts.carriedUnits === null ? '' : ` and ${facts.carriedUnits} carried over`;
      return `${units} included in an allowance of ${facts.units}${carried}`;
    }
    case 'carried_over': {
      const most = facts.maximumUnits === null ? '' : ` (at most ${facts.maximumUnits})`;
      return `${units} of the allowance left for the next period${most}`;
    }
    case 'prepaid':
      return `Covered by prepaid ${facts.name}`;
    case 'no_price':
      return `${units} without a price, not charged`;
    case 'negotiated':
      return `Negotiated price (${facts.revision})`;
    case 'percent_off':
      return `${facts.percent} % off`;
    case 'maximum':
      return `Capped at the maximum of ${facts.limit}${share(facts)}`;
    case 'minimum':
      return `Raised to the minimum of ${facts.limit}${share(facts)}`;
    case 'credit':
      return `Paid from a credit of ${facts.credit}`;
    case 'credit_returned':
      return 'Returned to credits that had paid more than is due';
    case 'billed_before':
      return 'Billed before in this period';
    case 'rounded':
      return `Rounded ${MODES[facts.mode]}, ${SCOPES[facts.scope]}: ${facts.exactAmount} becomes ${facts.roundedAmount}`;
  }
}

function tierName(tier: TierPlace | undefined): string {
  if (!tier) return 'tier';
  const { index, from, upTo } = tier;
  return upTo === null ? `tier ${index + 1}, above ${from}` : `tier ${index + 1}, ${from} to ${upTo}`;
}

/** `1 unit`, `2.5 units`. */
function counted(quantity: string, noun: string): string {
  return quantity === '1' ? `1 ${noun}` : `${quantity} ${noun}s`;
}

function share({ days = null, daysInPeriod = null, unit }: Partial<Days>): string {
  return days === null || daysInPeriod === null ? '' : ` for ${days} of ${daysInPeriod} ${unit ?? 'day'}s`;
}

function unsigned(quantity: string): string {
  return quantity.replace(/^-/, '');
}
