import { add, compare, decimal, formatDecimal, multiply, subtract } from '../money/index.ts';
import type { RateCard } from './rate-card.ts';

const HUNDRED = decimal('100');
const PER_CENT = decimal('0.01');

/** A rate card with this percentage off in place of its own. What is free is not raised to a minimum either. */
export function reducedTo(card: RateCard, percentOff: string): RateCard {
  const { minimumSpend, ...others } = card.modifiers ?? {};
  const isFree = compare(decimal(percentOff), HUNDRED) === 0;
  return { ...card, modifiers: { ...others, ...(minimumSpend !== undefined && !isFree && { minimumSpend }), percentOff } };
}

/** A rate card with this percentage off what it comes to with its own: 20 off what has 10 off is 28 off. */
export function reducedBy(card: RateCard, percentOff: string): RateCard {
  const [own, more] = [decimal(card.modifiers?.percentOff ?? '0'), decimal(percentOff)];
  const moreOfTheRest = multiply(multiply(subtract(HUNDRED, own), more), PER_CENT);
  return reducedTo(card, formatDecimal(add(own, moreOfTheRest)));
}
