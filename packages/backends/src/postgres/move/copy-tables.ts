import type { Cut, Database } from '@meterline/pipeline/ports';
import { foreignKeys, parentsFirst } from '../table-order.ts';

/** A cut of the old log, or boundaries by partition, as the new log has them. */
export interface Relocation {
  cut(old: Cut): Cut;
}

export interface CopiedTable {
  readonly table: string;
  readonly rows: number;
}

/** What belongs to the log it was made for, or to the installation. Everything else is copied, also tables that are yet to come. */
const LEFT_BEHIND = [
  ...['event_log', 'lease', 'segment', 'rollup_range', 'rating_wakeup', 'aggregator_member'],
  ...['meter_config', 'schema_migration', 'test_clock', 'move'],
];
const ROWS_AT_A_TIME = 500;

type Row = Readonly<{ at: string; row: string }> & Readonly<Record<string, unknown>>;

/** Rows of these tables say where something lies in the log: what replaces it, as columns to be laid over the row. */
const RELOCATED: Readonly<Record<string, { readonly select: string; override(row: Row, to: Relocation): object }>> = {
  invoice: {
    select: `coalesce(moved_cut, document::jsonb -> 'cut') as cut`,
    override: ({ cut }, to) => ({ moved_cut: to.cut(cut as Cut) }),
  },
  alert_occurrence: { select: 'cut', override: ({ cut }, to) => ({ cut: to.cut(cut as Cut) }) },
  invoice_run: { select: 'target_cut as cut', override: ({ cut }, to) => ({ target_cut: to.cut(cut as Cut) }) },
  // Its deltas are made anew, in the places of now.
  meter_backfill: {
    select: 'boundaries',
    override({ boundaries }, to) {
      const old = boundaries as readonly { before: number; voidBefore: number }[];
      const before = to.cut(old.map((boundary) => boundary.before));
      const voidBefore = to.cut(old.map((boundary) => boundary.voidBefore));
      return {
        boundaries: before.map((offset, partition) => ({ before: offset, voidBefore: voidBefore[partition] })),
        filled_through: before.map(() => 0),
        state: 'running',
        completed_at: null,
      };
    },
  },
};

/** Every table that is copied with its rows, referenced ones before those that reference them. */
export async function tablesToCopy(from: Database): Promise<CopiedTable[]> {
  const names = await from.query<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE' and not table_name = any ($1::text[]) order by 1`,
    [LEFT_BEHIND],
  );
  const ordered = parentsFirst(
    names.map(({ name }) => name),
    await foreignKeys(from),
  );
  return Promise.all(ordered.map(async (table) => ({ table, rows: await countRows(from, table) })));
}

export async function countRows(database: Database, table: string): Promise<number> {
  const [row] = await database.query<{ rows: string }>(`select count(*) as rows from "${table}"`);
  return Number(row?.rows);
}

/**
 * Copies a table row by row, as text of JSON: every value keeps all its digits. A row that is there already stays, so a copy that broke off is simply
 * made again; nobody may write to either side meanwhile.
 */
export async function copyTable(from: Database, into: Database, table: string, to: Relocation): Promise<void> {
  const relocated = RELOCATED[table];
  let after = '(0,0)';
  for (;;) {
    const rows = await from.query<Row>(
      `select ctid::text as at, to_jsonb(t)::text as row ${relocated === undefined ? '' : `, ${relocated.select}`}
       from "${table}" t where ctid > $1::tid order by ctid limit ${ROWS_AT_A_TIME}`,
      [after],
    );
    const last = rows.at(-1);
    if (last === undefined) break;
    await into.query(
      `insert into "${table}" overriding system value
       select copied.* from unnest($1::jsonb[], $2::jsonb[]) as given (whole, override),
         lateral jsonb_populate_record(null::"${table}", whole || override) as copied
       on conflict do nothing`,
      [rows.map(({ row }) => row), rows.map((row) => JSON.stringify(relocated?.override(row, to) ?? {}))],
    );
    after = last.at;
  }
}

/** What a table holds, but for the columns that a move changes: both sides must come to the same. */
export async function tableDigest(database: Database, table: string): Promise<string> {
  const changed: Readonly<Record<string, string>> = {
    invoice: `- 'moved_cut'`,
    alert_occurrence: `- 'cut'`,
    invoice_run: `- 'target_cut'`,
    meter_backfill: `- 'boundaries' - 'filled_through' - 'state' - 'completed_at'`,
  };
  const [row] = await database.query<{ digest: string | null }>(
    `select md5(string_agg(hash, '' order by hash)) as digest
     from (select md5((to_jsonb(t) ${changed[table] ?? ''})::text) as hash from "${table}" t) as hashes`,
  );
  return row?.digest ?? 'empty';
}

/** Gives identity columns their next values behind what was copied. */
export async function followIdentities(database: Database): Promise<void> {
  const columns = await database.query<{ table: string; column: string }>(
    `select table_name as table, column_name as column from information_schema.columns where table_schema = 'public' and is_identity = 'YES'`,
  );
  for (const { table, column } of columns) {
    await database.query(
      `select setval(pg_get_serial_sequence('"${table}"', '${column}'), greatest(max("${column}"), 1), max("${column}") is not null) from "${table}"`,
    );
  }
}

/** Cuts that rows of the old billing store hold. */
export async function storedCuts(from: Database): Promise<{ exact: Cut[]; loose: Cut[] }> {
  const cuts = (sql: string) => from.query<{ cut: Cut }>(sql).then((rows) => rows.map(({ cut }) => cut));
  const backfills = await from.query<{ boundaries: { before: number; voidBefore: number }[] }>(
    'select boundaries from meter_backfill',
  );
  return {
    exact: [
      ...(await cuts(`select distinct coalesce(moved_cut, document::jsonb -> 'cut') as cut from invoice`)),
      ...backfills.flatMap(({ boundaries }) => [boundaries.map(({ before }) => before), boundaries.map(({ voidBefore }) => voidBefore)]), // prettier-ignore
    ],
    loose: await cuts('select cut from alert_occurrence union select target_cut from invoice_run'),
  };
}
