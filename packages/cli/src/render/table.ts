import { stripVTControlCharacters } from 'node:util';

export interface Column {
  readonly title: string;
  /** Default left; numbers stand right. */
  readonly align?: 'left' | 'right';
}

/** Columns as wide as what they hold, two spaces between, a rule under the titles. Colours take no room. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], footer: readonly string[] = []): string {
  const titles = columns.map(({ title }) => title);
  const all = [titles, ...rows, footer];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => widthOf(row[index] ?? ''))));
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, index) => pad(cells[index] ?? '', widths[index] ?? 0, align ?? 'left'))
      .join('  ')
      .trimEnd();
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return [line(titles), rule, ...rows.map(line), ...(footer.length === 0 ? [] : [rule, line(footer)])].join('\n');
}

// Chinese characters and their punctuation take two columns of a terminal.
const WIDE = /[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60]/g;

function widthOf(text: string): number {
  const plain = stripVTControlCharacters(text);
  return plain.length + (plain.match(WIDE)?.length ?? 0);
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(width - widthOf(text));
  return align === 'left' ? text + space : space + text;
}
