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

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(width - widthOf(text));
  return align === 'left' ? text + space : space + text;
}
