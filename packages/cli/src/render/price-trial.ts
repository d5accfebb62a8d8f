import type { PriceEvaluation, RatedLine } from '@meterline/domain/rating';
import type { FieldFault } from '../errors.ts';
import type { Terminal } from '../terminal.ts';
import { CHARGE_COLUMNS } from './charges.ts';
import { decimalsOf, groupDigits, groupNumbers, withDecimals } from './digits.ts';
import { table } from './table.ts';

/** What `POST /v1/prices/evaluate/batch` answered, and what was asked. */
export interface PriceTrial {
  readonly currency: string;
  /** Empty: the one item said itself what was used. */
  readonly quantities: readonly string[];
  readonly results: readonly (
    | { readonly evaluation: PriceEvaluation }
    | { readonly error: { readonly code: string; readonly detail: string; readonly errors: readonly FieldFault[] } }
  )[];
}

const COLUMNS = CHARGE_COLUMNS.map((column, index) => (index === 0 ? { ...column, title: 'Step' } : column));

/** For each quantity what it costs, and every step to it: conversions, tier by tier, modifiers, rounding. */
export function priceTrialText({ currency, quantities, results }: PriceTrial, { paint }: Pick<Terminal, 'paint'>): string {
  const rows = results.flatMap((result, index) => {
    const quantity = quantities[index];
    const name = quantity === undefined ? 'Usage' : `For ${groupDigits(quantity)}`;
    if ('error' in result) {
      const { code, detail, errors } = result.error;
      const faults = errors.length === 0 ? [detail] : errors.map(({ path, message }) => `${path ? `${path}: ` : ''}${message}`);
      return [[paint('bold', name), '', '', paint('red', code)], ...faults.map((fault) => [paint('dim', `  ${fault}`)])];
    }
    const { total, lines, rounding } = result.evaluation;
    const steps = [...lines, ...(rounding ? [rounding] : [])];
    const head = [name, '', '', `${groupDigits(total)} ${currency}`].map((cell) => paint('bold', cell));
    return [head, ...steps.map((step) => stepRow(step, decimalsOf(total)).map((cell) => paint('dim', cell)))];
  });
  return table(COLUMNS, rows);
}

function stepRow({ description, quantity, unitAmount, amount }: RatedLine, decimals: number): string[] {
  const units = quantity === null ? '' : groupDigits(quantity);
  return [`  ${groupNumbers(description)}`, units, unitAmount ?? '', groupDigits(withDecimals(amount, decimals))];
}
