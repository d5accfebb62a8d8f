import type { SqlExecutor } from '@meterline/pipeline/ports';

export interface ForeignKey {
  readonly child: string;
  readonly parent: string;
}

export async function foreignKeys(db: SqlExecutor): Promise<ForeignKey[]> {
  return db.query<{ child: string; parent: string }>(
    `select conrelid::regclass::text as child, confrelid::regclass::text as parent from pg_constraint where contype = 'f'`,
  );
}

/** Tables in an order in which rows can be inserted: referenced ones before those that reference them. */
export function parentsFirst(tables: readonly string[], keys: readonly ForeignKey[]): string[] {
  const ordered: string[] = [];
  const add = (table: string): void => {
    if (ordered.includes(table) || !tables.includes(table)) return;
    for (const { child, parent } of keys) if (child === table && parent !== table) add(parent);
    ordered.push(table);
  };
  for (const table of tables) add(table);
  return ordered;
}
