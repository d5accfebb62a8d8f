import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startClickhouseFront } from '../engines/clickhouse/index.ts';
import { kafkaAvailable, startKafka } from '../engines/kafka/index.ts';
import { redisBinary, startRedis } from '../engines/local-redis.ts';
import type { Addresses, EngineName } from '../engines/names.ts';
import { postgresBinary, startPostgres } from '../engines/own-postgres.ts';
import { provisionEngine } from '../engines/provision.ts';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts';

/** An engine of a cluster. Only one that was started for it can be killed: `isOwn`. */
export interface ClusterEngine<A> {
  /** As the services are told: behind the links, if there are any. */
  readonly address: A;
  /** How it was come by. */
  readonly used: string;
  readonly isOwn: boolean;
  /** SIGKILL; resolves when it is gone. `index`: which broker of Kafka. */
  kill(index?: number): Promise<void>;
  /** Starts the killed one again on its data (Redis: empty), at the same address. */
  start(index?: number): Promise<void>;
  /** What every connection of the services goes through, if the cluster was asked for them; one a broker. */
  readonly links: readonly FaultProxy[];
  stop(): Promise<void>;
}

export type ClusterEngines = { readonly [N in EngineName]: ClusterEngine<Addresses[N]> };

interface EngineOptions {
  readonly brokers: 1 | 3;
  /** Kept; without it what the engines store goes when they are stopped. */
  readonly dataFolder?: string | undefined;
  readonly links: boolean;
  /** These run already. */
  readonly given: Partial<Addresses>;
}

/** Why engines of its own cannot be had here, or undefined. */
export async function ownEnginesTrouble(): Promise<string | undefined> {
  if (!redisBinary()) return 'redis-server is not installed';
  if (!postgresBinary()) return 'PostgreSQL (initdb, postgres) is not installed';
  return kafkaAvailable();
}

/** Each engine: the given one, else what METERLINE_TEST_<ENGINE> names, else one of its own, else what tests would use. */
export async function startEngines(options: EngineOptions): Promise<ClusterEngines> {
  const names = ['kafka', 'clickhouse', 'postgres', 'redis'] as const;
  const outcomes = await Promise.allSettled([
    engine('kafka', options, (await kafkaAvailable()) === undefined, ownKafka),
    engine('clickhouse', options, true, ownClickhouse),
    engine('postgres', options, postgresBinary(), ownPostgres),
    engine('redis', options, redisBinary(), ownRedis),
  ]);
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected' ? [`${names[index] ?? ''}: ${messageOf(outcome.reason)}`] : [],
  );
  const [kafka, clickhouse, postgres, redis] = outcomes;
  if (
    kafka.status === 'fulfilled' &&
    clickhouse.status === 'fulfilled' &&
    postgres.status === 'fulfilled' &&
    redis.status === 'fulfilled'
  )
    return { kafka: kafka.value, clickhouse: clickhouse.value, postgres: postgres.value, redis: redis.value };
  for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value.stop();
  throw new Error(`engines could not be started:\n${failures.join('\n')}`);
}

type Own<N extends EngineName> = (options: EngineOptions) => Promise<ClusterEngine<Addresses[N]>>;

async function engine<N extends EngineName>(name: N, options: EngineOptions, canOwn: boolean, own: Own<N>) {
  const given = options.given[name];
  if (given !== undefined) return foreign<Addresses[N]>(name, given, 'as given', options.links);
  const named = process.env[`METERLINE_TEST_${name.toUpperCase()}`];
  if (canOwn && (named === undefined || named === '')) return own(options);
  const { started, ...outcome } = await provisionEngine(name);
  if (started === undefined) throw new Error('missing' in outcome ? outcome.missing : 'none');
  return foreign(name, started.address, started.used, options.links, started.stop);
}

function foreign<A>(name: EngineName, address: A, used: string, links: boolean, stop = async (): Promise<void> => {}) {
  if (links) throw new Error(`${name}: only engines of its own can be reached through links`);
  const refuse = (): Promise<never> => Promise.reject(new Error(`${name} was not started for this cluster`));
  return { address, used, isOwn: false, kill: refuse, start: refuse, links: [], stop };
}

const folderOf = (root: string | undefined, name: string): string | undefined =>
  root === undefined ? undefined : path.join(path.resolve(root), name);

async function ownKafka({ brokers, dataFolder, links }: EngineOptions): Promise<ClusterEngine<Addresses['kafka']>> {
  const proxies: FaultProxy[] = [];
  const folder = folderOf(dataFolder, 'kafka');
  const kafka = await startKafka({
    brokers,
    ...(folder !== undefined && { dataFolder: folder }),
    ...(links && {
      async advertise(port: number) {
        const proxy = await startFaultProxy({ host: '127.0.0.1', port });
        proxies.push(proxy);
        return proxy.port;
      },
    }),
  });
  return {
    address: { brokers: kafka.bootstrap },
    used: `Apache Kafka from its jars, ${brokers} broker${brokers > 1 ? 's' : ''}`,
    isOwn: true,
    kill: (index = 0) => kafka.kill(index),
    start: (index = 0) => kafka.start(index),
    links: proxies,
    async stop() {
      await kafka.stop();
      await Promise.all(proxies.map((proxy) => proxy.close()));
    },
  };
}

async function ownClickhouse({ dataFolder, links }: EngineOptions): Promise<ClusterEngine<Addresses['clickhouse']>> {
  const folder = folderOf(dataFolder, 'clickhouse') ?? mkdtempSync(path.join(tmpdir(), 'meterline-clickhouse-front-'));
  mkdirSync(folder, { recursive: true });
  const username = 'meterline';
  const password = randomBytes(12).toString('hex');
  const front = await startClickhouseFront({ dataFolder: folder, username, password });
  const { url, proxies } = await throughLink(front.url, links);
  return {
    address: { url: Object.assign(url, { username, password }).href },
    used: 'chDB behind an HTTP front (for development and tests only)',
    isOwn: true,
    kill: () => front.kill(),
    start: () => front.start(),
    links: proxies,
    async stop() {
      await front.stop();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      if (dataFolder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ownPostgres({ dataFolder, links }: EngineOptions): Promise<ClusterEngine<Addresses['postgres']>> {
  const folder = folderOf(dataFolder, 'postgres');
  return served(await startPostgres(folder === undefined ? {} : { dataFolder: folder }), links);
}

async function ownRedis({ links }: EngineOptions): Promise<ClusterEngine<Addresses['redis']>> {
  return served(await startRedis(), links);
}

interface Restartable {
  readonly address: { readonly url: string };
  readonly used: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function served(server: Restartable, links: boolean): Promise<ClusterEngine<{ readonly url: string }>> {
  const { url, proxies } = await throughLink(server.address.url, links);
  return {
    address: { url: url.href },
    used: server.used,
    isOwn: true,
    kill: () => server.kill(),
    start: () => server.start(),
    links: proxies,
    async stop() {
      await server.stop();
      await Promise.all(proxies.map((proxy) => proxy.close()));
    },
  };
}

async function throughLink(address: string, links: boolean): Promise<{ url: URL; proxies: FaultProxy[] }> {
  const url = new URL(address);
  if (!links) return { url, proxies: [] };
  const proxy = await startFaultProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  return { url, proxies: [proxy] };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
