import type { Terminal } from '../terminal.ts';
import { table } from './table.ts';

interface Change {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface AuditRecord {
  readonly at: string;
  readonly actor: { readonly type: string; readonly id: string | null; readonly name: string | null };
  readonly action: 'create' | 'update' | 'delete';
  readonly type: string;
  readonly object: string;
  readonly changes: readonly Change[];
}

const VALUE_CHARS_MAX = 48;

/** One line a record, and one more for every further field that changed. */
export function auditText(records: readonly AuditRecord[], { paint }: Pick<Terminal, 'paint'>): string {
  if (records.length === 0) return 'Nothing that matches was changed.';
  const columns = ['when', 'who', 'did', 'to', 'what changed'].map((title) => ({ title }));
  const rows = records.flatMap((record) => {
    const [first = '', ...further] = record.action === 'update' ? record.changes.map((change) => changeText(change, paint)) : [];
    const head = [record.at, actorText(record), record.action, `${record.type} ${record.object}`, first];
    return [head, ...further.map((line) => ['', '', '', '', line])];
  });
  return table(columns, rows);
}

function actorText({ actor }: AuditRecord): string {
  return actor.type === 'system' ? 'system' : `${actor.name ?? 'API key'} (${actor.id ?? ''})`;
}

function changeText({ path, before, after }: Change, paint: Terminal['paint']): string {
  return `${path}: ${paint('red', valueText(before))} → ${paint('green', valueText(after))}`;
}

/** As it stands in JSON, cut where it is long; `-` where there was nothing. */
function valueText(value: unknown): string {
  if (value === undefined) return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text;
}
