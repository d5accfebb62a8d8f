import { groupDigits } from '../render/digits.ts';
import { table } from '../render/table.ts';
import type { Terminal } from '../terminal.ts';

/** Figures beside what they must be. */
export interface Checks {
  expect(figure: string, actual: string, expected: string): void;
  /** The figures since the last call, as a table. */
  text(): string;
  readonly failedCount: () => number;
}

export function createChecks({ paint }: Pick<Terminal, 'paint'>): Checks {
  let rows: string[][] = [];
  let failed = 0;
  return {
    expect(figure, actual, expected) {
      const isSame = actual === expected;
      if (!isSame) failed += 1;
      rows.push([
        figure,
        groupDigits(actual),
        groupDigits(expected),
        isSame ? paint('green', 'as expected') : paint('red', 'DIFFERS'),
      ]);
    },
    text() {
      const columns = [
        { title: '' },
        { title: 'Meterline', align: 'right' },
        { title: 'expected', align: 'right' },
        { title: '' },
      ] as const;
      const shown = table(columns, rows);
      rows = [];
      return shown;
    },
    failedCount: () => failed,
  };
}
