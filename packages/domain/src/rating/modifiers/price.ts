import type { Charge, Line, Portion } from '../charge.ts';
import { rateUsage } from '../models/index.ts';

/** Turns the usage that is left into lines of money. */
export function applyPrice(charge: Charge): Charge {
  return { ...charge, portions: [], lines: [...charge.lines, ...charge.portions.flatMap(portionLines)] };
}

function portionLines({ kind, price, usage }: Portion): Line[] {
  const lines = rateUsage(price, usage);
  if (kind === 'regular') return lines;
  return lines.map((line) => ({ ...line, kind: 'overage', description: `Overage: ${line.description}` }));
}
