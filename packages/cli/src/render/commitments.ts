import type { CommitmentSettlement } from '@meterline/domain/commitments';
import type { Terminal } from '../terminal.ts';
import { groupDigits } from './digits.ts';

/** One row for each line of a commitment, and one for what remains of a minimum paid in advance. */
export function commitmentRows({ term, lines, remaining }: CommitmentSettlement, { paint }: Pick<Terminal, 'paint'>): string[][] {
  const rows = lines.map(({ description, amount }) => [paint('bold', description), '', '', paint('bold', groupDigits(amount))]);
  const left = `  ${groupDigits(remaining ?? '0')} of the commitment remain until ${term.to.slice(0, 10)}`;
  return remaining === null ? rows : [...rows, [paint('dim', left)]];
}
