import type { InvoiceLine } from '@meterline/domain/invoices';
import type { RatedLine } from '@meterline/domain/rating';
import type { Terminal } from '../terminal.ts';
import { decimalsOf, groupDigits, groupNumbers, withDecimals } from './digits.ts';
import type { Column } from './table.ts';

type Paint = Pick<Terminal, 'paint'>;
export type ChargeLine = Pick<InvoiceLine, 'name' | 'meter' | 'quantity' | 'amount' | 'explanation'>;

export const CHARGE_COLUMNS: readonly Column[] = [
  { title: 'Position' },
  { title: 'Quantity', align: 'right' },
  { title: 'Unit price', align: 'right' },
  { title: 'Amount', align: 'right' },
];

/** One row for the line, and one for every step of how its amount came about. */
export function chargeRows({ name, meter, quantity, amount, explanation }: ChargeLine, { paint }: Paint): string[][] {
  const head = [paint('bold', name), meter === null ? '' : groupDigits(quantity), '', paint('bold', groupDigits(amount))];
  // A single step without a quantity (a flat fee) says nothing that the line does not say itself.
  const steps = meter === null && explanation.length === 1 ? [] : explanation;
  return [head, ...steps.map((step) => stepRow(step, decimalsOf(amount)).map((cell) => paint('dim', cell)))];
}

/** A step's amount is exact; it shows at least as many decimals as the line, which is rounded to the currency. */
function stepRow(step: RatedLine, decimals: number): string[] {
  const quantity = step.quantity === null ? '' : groupDigits(step.quantity);
  return [`  ${stepName(step)}`, quantity, step.unitAmount ?? '', groupDigits(withDecimals(step.amount, decimals))];
}

function stepName({ description, quantity, tier }: RatedLine): string {
  if (tier === undefined || quantity === null) return groupNumbers(description);
  const from = groupDigits(tier.from);
  const range = tier.upTo === null ? `above ${from}` : `${from} to ${groupDigits(tier.upTo)}`;
  return `tier ${tier.index + 1}: ${range}`;
}
