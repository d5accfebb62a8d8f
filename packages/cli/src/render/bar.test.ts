import { expect, test } from 'vitest';
import { percentBar } from './bar.ts';

test('a bar is as long as its percentage, to an eighth of a cell', () => {
  // 30 cells: 50 % are 15, 24.3 % are 7.29 or 58 eighths, of which the last two show as a quarter
  expect(['0', '50', '24.3', '100'].map(percentBar)).toEqual([
    '░'.repeat(30),
    '█'.repeat(15) + '░'.repeat(15),
    '█'.repeat(7) + '▎' + '░'.repeat(22),
    '█'.repeat(30),
  ]);
});

test('what exceeds a bar shows that it does', () => {
  expect([percentBar('100.1'), percentBar('51670')]).toEqual(['█'.repeat(30) + '▶', '█'.repeat(30) + '▶']);
});
