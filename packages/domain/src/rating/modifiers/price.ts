import type { Portion, Step } from '../charge.ts';
import { inContext, type Line } from '../line.ts';
import type { RateUsage } from '../models/model.ts';

/** Puts the lines of money under the usage that is left. */
export function applyPrice(rate: RateUsage): Step {
  const linesOf = ({ overage, usage }: Portion): Line[] => {
    if (overage === null) return rate(usage);
    return inContext(overage(usage), { overage: true }).map((line) => ({ ...line, kind: 'overage' }));
  };
  return (charge) => {
    const [only, ...others] = charge.portions;
    const priced = only && others.length === 0 ? linesOf(only) : charge.portions.flatMap(linesOf);
    return { ...charge, lines: charge.lines.length === 0 ? priced : [...charge.lines, ...priced] };
  };
}
