import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openChdb } from '@meterline/backends/embedded';
import { expect, it } from 'vitest';
import { type ClickhouseLayout, layoutSettings, statementsFor } from '../../packages/backends/src/clickhouse/layout.ts';
import { clickhouseMigrations, type TestClickhouse } from '../support/clickhouse.ts';
import { aggregationContract } from './aggregation.contract.ts';

const LAYOUT: ClickhouseLayout = { kind: 'cluster', cluster: 'usage' };
const folder = mkdtempSync(path.join(tmpdir(), 'meterline-sharded-'));

/** The embedded engine as the only server of a cluster; a shard on the port of the engine itself is read and written without a connection. */
function configureCluster(): void {
  const write = (file: string, content: string) => {
    mkdirSync(path.join(folder, 'config', path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, 'config', file), `<clickhouse>${content}</clickhouse>`);
  };
  const replica = '<replica><host>127.0.0.1</host><port>9000</port></replica>';
  const shard = `<shard><internal_replication>true</internal_replication>${replica}</shard>`;
  write('config.d/cluster.xml', `<tcp_port>9000</tcp_port><remote_servers><usage>${shard}</usage></remote_servers>`);
  // This one would have the engine connect to itself, and it does not listen.
  const { prefer_localhost_replica: _, ...ofLayout } = layoutSettings(LAYOUT);
  const settings = Object.entries(ofLayout).map(([name, value]) => `<${name}>${String(value)}</${name}>`);
  const grants = '<grants replace="replace"><query>GRANT ALL ON *.*</query></grants>';
  write(
    'users.d/cluster.xml',
    `<profiles><default>${settings.join('')}</default></profiles><users><default>${grants}</default></users>`,
  );
}

/** The tables of the cluster layout, but for their replication: the embedded engine has no keeper. */
async function openSharded(): Promise<TestClickhouse> {
  configureCluster();
  const { client, close } = await openChdb({ folder });
  for (const name of readdirSync(clickhouseMigrations).sort()) {
    for (const statement of statementsFor(readFileSync(path.join(clickhouseMigrations, name), 'utf8'), LAYOUT, 'metering')) {
      const query = statement
        .replace(` on cluster 'usage'`, '')
        .replace(/ReplicatedReplacingMergeTree\([^)]*\)/, 'ReplacingMergeTree')
        .replace(', replicated_deduplication_window = 0', '');
      await client.command({ query });
    }
  }
  return {
    client,
    async close() {
      const engines = await client.query({
        query: `select name, engine, total_rows > 0 from system.tables where database = 'metering' order by name`,
        format: 'JSONCompactEachRow',
      });
      tables = await engines.json();
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let tables: unknown[] = [];

aggregationContract('through Distributed tables', openSharded);

it('all of it went through the Distributed tables into the local ones', () => {
  for (const table of ['event', 'event_key', 'refused_event', 'usage_delta', 'usage_rollup']) {
    expect(tables).toContainEqual([table, 'Distributed', null]);
    expect(tables).toContainEqual([`${table}_local`, 'ReplacingMergeTree', 1]);
  }
});
