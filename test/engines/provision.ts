import { startContainer } from './containers.ts';
import { dockerTrouble } from './docker.ts';
import { mayCreateDatabases, runningPostgres } from './local-postgres.ts';
import { pingRedis, runningRedis, startRedis } from './local-redis.ts';
import type { Addresses, EngineName, Provisioned, Started } from './names.ts';
import { startPostgres } from './own-postgres.ts';

type Way<A> = { readonly name: string; readonly start: () => Promise<Started<A>> };

/** What the environment names: METERLINE_TEST_POSTGRES and so on. It must work, or the run says so: no silent other choice. */
const NAMED: { readonly [N in EngineName]: (value: string) => Promise<Addresses[N]> } = {
  async postgres(url) {
    await mayCreateDatabases(url);
    return { url };
  },
  async redis(url) {
    await pingRedis(url);
    return { url };
  },
  kafka: async (list) => ({ brokers: list.split(',').map((broker) => broker.trim()) }),
  async clickhouse(url) {
    const answer = await fetch(new URL('/ping', url), { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`${url}/ping answered ${answer.status}`);
    return { url };
  },
};

/** Without a container, in this order. */
const LOCAL: { readonly [N in EngineName]: readonly Way<Addresses[N]>[] } = {
  postgres: [
    { name: 'running on port 5432', start: runningPostgres },
    { name: 'own server', start: () => startPostgres() },
  ],
  redis: [
    { name: 'redis-server', start: startRedis },
    { name: 'running on port 6379', start: runningRedis },
  ],
  kafka: [{ name: 'Apache Kafka from its jars', start: localKafka }],
  clickhouse: [
    { name: 'chDB behind an HTTP front', start: async () => (await import('./clickhouse/index.ts')).localClickhouse() },
  ],
};

async function localKafka(): Promise<Started<Addresses['kafka']>> {
  const { kafkaAvailable, startKafka } = await import('./kafka/index.ts');
  const trouble = await kafkaAvailable();
  if (trouble !== undefined) throw new Error(trouble);
  const { bootstrap, stop } = await startKafka({ brokers: 1 });
  return { address: { brokers: bootstrap }, used: `Apache Kafka from its jars at ${bootstrap.join()}`, stop };
}

/** Starts an engine: what the environment names, else a container, else a local one. Says why if there is none. */
export async function provisionEngine<N extends EngineName>(
  name: N,
): Promise<Provisioned<Addresses[N]> & { readonly started?: Started<Addresses[N]> }> {
  const variable = `METERLINE_TEST_${name.toUpperCase()}`;
  const named = process.env[variable];
  if (named !== undefined && named !== '') {
    try {
      const address = await NAMED[name](named);
      return { address, started: { address, used: `what ${variable} names`, stop: async () => {} } };
    } catch (error) {
      return { missing: `${variable} names one that does not work: ${messageOf(error)}` };
    }
  }
  const docker = await dockerTrouble();
  const reasons = [`${variable} is not set`, ...(docker === undefined ? [] : [docker])];
  const container: Way<Addresses[N]> = { name: 'container', start: startContainer[name] };
  for (const way of [...(docker === undefined ? [container] : []), ...LOCAL[name]]) {
    try {
      const started = await way.start();
      return { address: started.address, started };
    } catch (error) {
      reasons.push(`${way.name}: ${messageOf(error)}`);
    }
  }
  return { missing: reasons.join('; ') };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${error.message.split('\n')[0] ?? ''}${cause}`;
}
