import type { ClickHouseSettings } from '@clickhouse/client';
import { Fault } from '@meterline/domain/faults';

/**
 * How the usage tables lie on servers. `single`: one server (or the embedded engine) has them as the migrations say. `cluster`: each becomes
 * `<table>_local`, replicated within a shard, and a Distributed table of its name over the shards of `cluster` (a name in `remote_servers`).
 */
export type ClickhouseLayout = { readonly kind: 'single' } | { readonly kind: 'cluster'; readonly cluster: string };

export const SINGLE: ClickhouseLayout = { kind: 'single' };

/**
 * What every statement on a cluster runs with.
 * Read your writes: an insert is acknowledged when a majority of each shard's replicas has it, one insert into a table at a time, and a
 * query that meets a replica without all acknowledged inserts fails (and is asked again) instead of answering from too few rows.
 * One partition of the log lies on one shard, so joins and IN subqueries are exact shard by shard.
 */
const CLUSTER_SETTINGS: ClickHouseSettings = {
  insert_quorum: 'auto',
  insert_quorum_parallel: 0,
  insert_quorum_timeout: 30_000,
  select_sequential_consistency: '1',
  distributed_foreground_insert: 1,
  distributed_product_mode: 'local',
  optimize_skip_unused_shards: 1,
  skip_unavailable_shards: 0,
  // Every entry node goes to the same replica of a shard first: it is the one that has what was just written.
  load_balancing: 'in_order',
  prefer_localhost_replica: 0,
  parallel_distributed_insert_select: '0',
  insert_deduplicate: 0,
  alter_sync: '2',
};

export function layoutSettings(layout: ClickhouseLayout): ClickHouseSettings {
  return layout.kind === 'single' ? {} : CLUSTER_SETTINGS;
}

const COMMENTS = /^(?:\s*--[^\n]*\n)*\s*/;
const CREATE = /^create table if not exists (\w+) \(\n([^]*)\n\) engine = ReplacingMergeTree\n([^]*)$/;
const ALTER = /^alter table (\w+)\s+([^]*)$/;
const COLUMN_CHANGE = /^(add|drop|modify|rename|comment) column /;

/**
 * The statements that a migration comes to in the layout, for a table of `database`. A migration is written for a single table, in lower
 * case: `create table if not exists <name> (` ... `) engine = ReplacingMergeTree`, or `alter table <name> ...`. Whatever else a cluster could not
 * follow fails with the Fault `clickhouse.migration_form`.
 */
export function statementsFor(sql: string, layout: ClickhouseLayout, database: string): string[] {
  requireName(database);
  if (layout.kind === 'single') return [sql];
  const statement = sql.replace(COMMENTS, '').trim();
  const onCluster = `on cluster ${quoted(layout.cluster)}`;
  const [, created, columns = '', rest = ''] = CREATE.exec(statement) ?? [];
  if (created !== undefined) {
    if (!/^ {2}partition UInt16,$/m.test(columns)) throw formFault(`${created} has no column "partition UInt16" to shard by`);
    const local = `${database}.${created}_local`;
    return [
      `create table if not exists ${local} ${onCluster} (\n${columns}\n) engine = ${replicated('{shard}', '{replica}')}\n${withoutDeduplication(rest)}`,
      `create table if not exists ${database}.${created} ${onCluster} as ${local}\n` +
        `engine = Distributed(${[layout.cluster, database, `${created}_local`].map(quoted).join(', ')}, partition)`,
    ];
  }
  const [, altered, change = ''] = ALTER.exec(statement) ?? [];
  if (altered === undefined) throw formFault('it neither creates a ReplacingMergeTree table nor alters one');
  const targets = COLUMN_CHANGE.test(change) ? [`${altered}_local`, altered] : [`${altered}_local`];
  return targets.map((table) => `alter table ${database}.${table} ${onCluster} ${change}`);
}

/** The table of applied migrations. On a cluster it is one table that every server of every shard has a replica of. */
export function versionTable(layout: ClickhouseLayout, database: string): string {
  requireName(database);
  const columns = `(name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))`;
  if (layout.kind === 'single')
    return `CREATE TABLE IF NOT EXISTS schema_migration ${columns} ENGINE = ReplacingMergeTree ORDER BY name`;
  return `create table if not exists ${database}.schema_migration on cluster ${quoted(layout.cluster)} ${columns}
    engine = ${replicated('all', '{shard}-{replica}')} order by name settings ${NO_DEDUPLICATION}`;
}

export function databaseStatement(layout: ClickhouseLayout, database: string): string {
  requireName(database);
  return `create database if not exists ${database} ${layout.kind === 'single' ? '' : `on cluster ${quoted(layout.cluster)} `}engine = Atomic`;
}

function replicated(group: string, replica: string): string {
  return `ReplicatedReplacingMergeTree('/clickhouse/tables/${group}/{database}/{table}', '${replica}')`;
}

/** The hashes of inserted blocks that replicated tables keep by default must not decide what is stored: identities do. */
const NO_DEDUPLICATION = 'replicated_deduplication_window = 0';

function withoutDeduplication(rest: string): string {
  return /^settings /m.test(rest) ? `${rest}, ${NO_DEDUPLICATION}` : `${rest}\nsettings ${NO_DEDUPLICATION}`;
}

function quoted(name: string): string {
  requireName(name);
  return `'${name}'`;
}

function requireName(name: string): void {
  if (!/^[A-Za-z_]\w*$/.test(name))
    throw new Fault('invalid', 'clickhouse.invalid_name', `not a name of letters, digits and _: ${name}`);
}

function formFault(reason: string): Fault {
  return new Fault('invalid', 'clickhouse.migration_form', `a migration cannot be applied to a cluster: ${reason}`);
}
