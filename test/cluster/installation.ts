import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openClickhouse } from '@meterline/backends/clickhouse';
// Loading it mends a timer of kafkajs that would fire every millisecond.
import '@meterline/backends/kafka';
import { openPostgres, type Postgres } from '@meterline/backends/postgres';
import kafkajs from 'kafkajs';
import { freshPrefix } from '../engines/fresh-prefix.ts';
import type { Addresses } from '../engines/names.ts';

/** What a cluster calls itself in every engine, and the key to it. Kept in the data folder, if there is one. */
export interface Identity {
  readonly name: string;
  readonly adminKey: string;
  readonly partitions: number;
}

export function identityOf(dataFolder: string | undefined, partitions: number | undefined): Identity {
  const file = dataFolder === undefined ? undefined : path.join(dataFolder, 'cluster.json');
  if (file !== undefined && existsSync(file)) {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Identity;
    if (partitions !== undefined && partitions !== kept.partitions)
      throw new Error(`${file}: this cluster was begun with ${kept.partitions} partitions, and their number cannot change`);
    return kept;
  }
  const name = `meterline_${randomBytes(4).toString('hex')}`;
  const identity = { name, adminKey: `cluster-admin-${randomBytes(12).toString('hex')}`, partitions: partitions ?? 12 };
  if (file !== undefined) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(identity, undefined, 2)}\n`);
  }
  return identity;
}

/** The settings of every service. */
export function settingsOf(identity: Identity, engines: Addresses, brokers: number): Record<string, string> {
  const { username, password, origin } = new URL(engines.clickhouse.url);
  return {
    METERLINE_BACKEND: 'distributed',
    METERLINE_ADMIN_KEY: identity.adminKey,
    METERLINE_PARTITIONS: String(identity.partitions),
    METERLINE_KAFKA_BROKERS: engines.kafka.brokers.join(),
    METERLINE_KAFKA_TOPIC: identity.name,
    METERLINE_KAFKA_REPLICATION: brokers === 3 ? '3' : '1',
    METERLINE_KAFKA_MIN_INSYNC_REPLICAS: brokers === 3 ? '2' : '1',
    METERLINE_CLICKHOUSE_URL: origin,
    METERLINE_CLICKHOUSE_USER: decodeURIComponent(username) || 'default',
    METERLINE_CLICKHOUSE_PASSWORD: decodeURIComponent(password),
    METERLINE_CLICKHOUSE_DATABASE: identity.name,
    METERLINE_POSTGRES_URL: databaseUrl(engines.postgres.url, identity),
    METERLINE_REDIS_URL: engines.redis.url,
    METERLINE_REDIS_PREFIX: identity.name,
    // Webhooks may go to a receiver on this machine.
    METERLINE_WEBHOOK_ALLOW: 'loopback',
  };
}

function databaseUrl(server: string, { name }: Identity): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** The migrations make everything else, but not the database of PostgreSQL. */
export async function createDatabase(server: string, { name }: Identity): Promise<void> {
  await withAdmin(server, async (admin) => {
    const found = await admin.query('select 1 from pg_database where datname = $1', [name]);
    if (found.length === 0) await admin.query(`create database ${name}`);
  });
}

/** Removes what the cluster made in engines that go on without it. */
export async function removeFrom(engines: Partial<Addresses>, { name }: Identity): Promise<void> {
  const { kafka, clickhouse, postgres, redis } = engines;
  if (postgres !== undefined)
    await withAdmin(postgres.url, (admin) => admin.query(`drop database if exists ${name} with (force)`));
  if (redis !== undefined) await freshPrefix(redis, name).clear();
  if (clickhouse !== undefined) {
    const { username, password, origin } = new URL(clickhouse.url);
    const server = { urls: [origin], username: decodeURIComponent(username), password: decodeURIComponent(password) };
    const { client, close } = await openClickhouse({ ...server, database: 'default' });
    await client.command({ query: `drop database if exists ${name} sync` }).finally(close);
  }
  if (kafka !== undefined) {
    const admin = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [name] }).finally(() => admin.disconnect());
  }
}

async function withAdmin(url: string, work: (admin: Postgres) => Promise<unknown>): Promise<void> {
  const admin = await openPostgres({ url, poolMax: 1, onError: () => undefined });
  try {
    await work(admin);
  } finally {
    await admin.close();
  }
}
