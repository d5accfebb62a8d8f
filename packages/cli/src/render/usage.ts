import type { Terminal } from '../terminal.ts';
import { groupDigits } from './digits.ts';
import { type Column, table } from './table.ts';

/** `GET /v1/meters/{key}/usage`. */
export interface Usage {
  readonly meter: string;
  readonly from: string;
  readonly to: string;
  readonly window: string | null;
  readonly timezone: string;
  readonly asOf: { readonly cut: readonly number[]; readonly at: string };
  readonly rows: readonly {
    readonly from: string;
    readonly to: string;
    readonly subject?: string;
    readonly group?: Readonly<Record<string, string>>;
    readonly value: string;
    readonly events: number;
  }[];
}

/** One row per window and group with usage. */
export function usageText({ meter, from, to, window, timezone, asOf, rows }: Usage, { paint }: Pick<Terminal, 'paint'>): string {
  const bySubject = rows.some(({ subject }) => subject !== undefined);
  const dimensions = Object.keys(rows[0]?.group ?? {});
  const columns: Column[] = [
    ...(window === null ? [] : [{ title: `${window} (${timezone})` }]),
    ...(bySubject ? [{ title: 'subject' }] : []),
    ...dimensions.map((title) => ({ title })),
    { title: 'value', align: 'right' },
    { title: 'events', align: 'right' },
  ];
  const cells = rows.map((row) => [
    ...(window === null ? [] : [row.from]),
    ...(bySubject ? [row.subject ?? ''] : []),
    ...dimensions.map((name) => row.group?.[name] ?? ''),
    groupDigits(row.value),
    groupDigits(String(row.events)),
  ]);
  return [
    `${paint('bold', meter)}: ${from} up to ${to}`,
    rows.length === 0 ? 'No usage.' : table(columns, cells),
    paint('dim', `As of ${asOf.at}, offset ${asOf.cut.join(', ')} of the event log.`),
  ].join('\n');
}
