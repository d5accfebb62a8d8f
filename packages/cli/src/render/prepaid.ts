import type { CreditApplied, UnitsDrawn } from '@meterline/domain/prepaid';
import type { Terminal } from '../terminal.ts';
import { groupDigits } from './digits.ts';

/** An invoice's entry names the earlier invoice whose usage changed; live spend has none. */
type Adjusting<Entry> = Omit<Entry, 'adjusts'> & { readonly adjusts?: string | null };

export interface PrepaidEntries {
  readonly units: readonly Adjusting<UnitsDrawn>[];
  readonly credits: readonly Adjusting<CreditApplied>[];
}

/** Rows under the charges: units without an amount, credits as what they take off. */
export function prepaidRows({ units, credits }: PrepaidEntries, { paint }: Pick<Terminal, 'paint'>): string[][] {
  const why = ({ name, line, adjusts = null }: { name: string; line: string; adjusts?: string | null }) =>
    `Prepaid ${name} for ${line}${adjusts === null ? '' : ` of ${adjusts}`}`;
  return [
    ...units.map((entry) => [paint('dim', why(entry)), paint('dim', groupDigits(entry.units)), '', '']),
    ...credits.map((entry) => [why(entry), '', '', negated(groupDigits(entry.amount))]),
  ];
}

function negated(text: string): string {
  return text.startsWith('-') ? text.slice(1) : `-${text}`;
}
