import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '@meterline/domain/faults';
import type { SqlExecutor } from '@meterline/pipeline/ports';
import type { ScriptDatabase } from './script-database.ts';

interface Migration {
  readonly name: string;
  readonly script: string;
  readonly checksum: string;
}

/** One key for all of Meterline in a database, held for the length of a migration: processes that start together take turns. */
const LOCK = `select pg_advisory_xact_lock(hashtextextended('meterline.migrate', 0))`;
/** A migration takes as long as it takes, and so does waiting for that of another process. */
const TAKE_TURN = `set local statement_timeout = 0; ${LOCK}`;

/**
 * Brings the database to the newest `NNNN_name.sql` of `folder`: each file once, in the order of names, in a transaction of its own with its
 * checksum recorded. Answers the names applied now. Throws `migration.changed` if a file is not what was applied, `migration.unknown` if
 * the database has one that the folder lacks (it belongs to a newer version of Meterline).
 */
export async function migrate(database: ScriptDatabase, folder: string): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const applied = await database.transaction(async (tx) => {
    await tx.exec(TAKE_TURN);
    await tx.exec(`create table if not exists schema_migration (
      name text primary key, checksum text not null, applied_at timestamptz not null default now())`);
    return await appliedChecksums(tx);
  });
  assertHistory(migrations, applied);
  const pending = migrations.filter(({ name }) => !applied.has(name));
  const done: string[] = [];
  for (const migration of pending) if (await apply(database, migration)) done.push(migration.name);
  return done;
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await fs.readdir(folder)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  return await Promise.all(
    names.map(async (name) => {
      const script = await fs.readFile(path.join(folder, name), 'utf8');
      return { name, script, checksum: createHash('sha256').update(script).digest('hex') };
    }),
  );
}

async function appliedChecksums(tx: SqlExecutor): Promise<Map<string, string>> {
  const rows = await tx.query<{ name: string; checksum: string }>('select name, checksum from schema_migration');
  return new Map(rows.map(({ name, checksum }) => [name, checksum]));
}

function assertHistory(migrations: readonly Migration[], applied: ReadonlyMap<string, string>): void {
  const known = new Map(migrations.map(({ name, checksum }) => [name, checksum]));
  for (const [name, checksum] of applied) {
    const expected = known.get(name);
    if (expected === undefined)
      throw new Fault('conflict', 'migration.unknown', `the database has migration ${name}, unknown to this version`);
    if (expected !== checksum)
      throw new Fault('conflict', 'migration.changed', `migration ${name} was changed after it had been applied`);
  }
}

/** False if another process was faster. */
async function apply(database: ScriptDatabase, { name, script, checksum }: Migration): Promise<boolean> {
  return await database.transaction(async (tx) => {
    await tx.exec(TAKE_TURN);
    const others = await appliedChecksums(tx);
    if (others.has(name)) return false;
    await tx.exec(script);
    await tx.query('insert into schema_migration (name, checksum) values ($1, $2)', [name, checksum]);
    return true;
  });
}
