import type { Terminal } from '../terminal.ts';
import { groupDigits } from './digits.ts';
import { table } from './table.ts';

export interface Reconciliation {
  readonly holds: boolean;
  readonly cut: readonly number[];
  readonly invariants: readonly {
    readonly name: string;
    readonly holds: boolean;
    readonly counts: Readonly<Record<string, number | string>>;
    readonly differences: readonly string[];
  }[];
}

/** Every invariant with its counts, and below what differs. */
export function reconciliationText({ cut, invariants }: Reconciliation, { paint }: Pick<Terminal, 'paint'>): string {
  const rows = invariants.map(({ name, holds, counts }) => [
    holds ? paint('green', 'holds') : paint('red', 'BROKEN'),
    name,
    Object.entries(counts)
      .map(([what, count]) => `${groupDigits(String(count))} ${what}`)
      .join(', '),
  ]);
  const differences = invariants.flatMap((each) =>
    each.differences.map((difference) => `${paint('red', each.name)}: ${difference}`),
  );
  return [
    table([{ title: '' }, { title: 'Invariant' }, { title: 'Counts' }], rows),
    paint('dim', `Compared at offset ${cut.join(', ')} of the event log.`),
    ...(differences.length === 0 ? [] : ['', 'Differences:', ...differences.map((line) => `  ${line}`)]),
  ].join('\n');
}
