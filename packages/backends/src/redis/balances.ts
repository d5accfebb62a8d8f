import type { Redis } from 'ioredis';
import type { BalanceStore } from '@meterline/pipeline/ports';
import type { OnJobError } from '../bullmq/job-queue.ts';
import { connectRedis, redisUnreachable, within } from './client.ts';
import { quietened } from './quietened.ts';

export interface RedisBalanceStoreOptions {
  readonly url: string;
  /** In front of every key. */
  readonly prefix: string;
  readonly onError: (error: Error) => void;
  /** How long a check waits for Redis before it goes to the stores. Default 100 ms. */
  readonly timeoutMs?: number;
  /** Entries that nobody writes again go away. It bounds how long one can be outdated when its writer lost Redis and then died. Default 10 minutes. */
  readonly keptForMs?: number;
}

export interface RedisBalanceStore extends BalanceStore {
  close(): void;
}

/** After Redis did not answer in time, this long nobody waits for it. */
const REST_MS = 1000;
/** Many at once, and nobody's check waits for them. */
const WRITE_TIMEOUT_MS = 2000;
const ENTRIES_AT_A_TIME = 200;
const KEYS_PER_SCAN = 1000;
/** Beyond so many that could not be written, all balances are forgotten instead. */
const OUTDATED_MAX = 50_000;
/** Changes with the form of the entries: while versions change over, each reads its own. */
const FORM = 1;

/** Microseconds of Redis, and always more than before: a ticket stays younger than all others also after Redis lost its memory. */
const TICKET = `
local time = redis.call('TIME')
local ticket = math.max(time[1] * 1000000 + time[2], (tonumber(redis.call('GET', KEYS[1])) or 0) + 1)
local text = string.format('%.0f', ticket)
redis.call('SET', KEYS[1], text)
return text`;

/** ARGV: the ticket, how long to keep, then the text of each key. An entry with a younger ticket stays. */
const KEEP = `
for index, key in ipairs(KEYS) do
  if (tonumber(redis.call('HGET', key, 'ticket')) or 0) <= tonumber(ARGV[1]) then
    redis.call('HSET', key, 'ticket', ARGV[1], 'text', ARGV[index + 2])
    redis.call('PEXPIRE', key, ARGV[2])
  end
end`;

interface Commands {
  balanceTicket(key: string): Promise<string>;
  keepBalances(keys: number, ...keysAndValues: (string | number)[]): Promise<null>;
}

/** Balances that every API process reads and every rating worker writes. Fails with `redis.unreachable` at the start; later checks do without. */
export async function openRedisBalanceStore(options: RedisBalanceStoreOptions): Promise<RedisBalanceStore> {
  const { url, prefix, timeoutMs = 100, keptForMs = 600_000 } = options;
  const onError: OnJobError = quietened((error) => options.onError(error));
  const client = await connectRedis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 0 }, onError);
  client.defineCommand('balanceTicket', { numberOfKeys: 1, lua: TICKET });
  client.defineCommand('keepBalances', { lua: KEEP });
  const commands = client as Redis & Commands;
  const folder = `${prefix}:balance:${FORM}`;
  const keyOf = (customer: string, tenant: string): string => `${folder}:${JSON.stringify([tenant, customer])}`;
  const outdated = new Set<string>();
  let restUntilMs = 0;
  let forgetting: NodeJS.Timeout | undefined;

  /** What Redis answers, or undefined while it is out of reach. */
  async function asked<T>(ask: () => Promise<T>, limitMs = timeoutMs): Promise<T | undefined> {
    if (client.status !== 'ready' || performance.now() < restUntilMs) return undefined;
    try {
      return await within(limitMs, ask());
    } catch (error) {
      restUntilMs = performance.now() + REST_MS;
      onError(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }

  async function write(texts: readonly (readonly [string, string])[], ticket: string): Promise<void> {
    for (let from = 0; from < texts.length; from += ENTRIES_AT_A_TIME) {
      const some = texts.slice(from, from + ENTRIES_AT_A_TIME);
      await commands.keepBalances(some.length, ...some.map(([key]) => key), ticket, keptForMs, ...some.map(([, text]) => text));
    }
  }

  /** What could not be written must not be read as it was before: forgotten as soon as Redis is there again. */
  function outdate(keys: readonly string[]): void {
    for (const key of keys) outdated.add(key);
    if (outdated.size > 0) forgetting ??= setTimeout(() => void forgetOutdated(), REST_MS).unref();
  }

  async function forgetOutdated(): Promise<void> {
    forgetting = undefined;
    const keys = [...outdated];
    outdated.clear();
    const forget = () => (keys.length > OUTDATED_MAX ? removeAll(`${folder}:*`) : client.unlink(...keys));
    if ((await asked(forget, WRITE_TIMEOUT_MS)) === undefined) outdate(keys);
  }

  async function removeAll(pattern: string): Promise<number> {
    let removed = 0;
    let cursor = '0';
    do {
      const [next, keys] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_PER_SCAN);
      if (keys.length > 0) removed += await client.unlink(...keys);
      cursor = next;
    } while (cursor !== '0');
    return removed;
  }

  return {
    async read(customer, tenant) {
      return (await asked(() => client.hget(keyOf(customer, tenant), 'text'))) ?? undefined;
    },

    async keep(work, customers, tenant) {
      const ticket = await asked(() => commands.balanceTicket(`${prefix}:balance-ticket`));
      const found = await work();
      const texts = customers.flatMap((customer) => {
        const text = found.entries.get(customer);
        return text === undefined ? [] : [[keyOf(customer, tenant), text] as const];
      });
      const isKept = ticket !== undefined && (await asked(() => write(texts, ticket).then(() => true), WRITE_TIMEOUT_MS));
      if (isKept !== true) outdate(texts.map(([key]) => key));
      return found;
    },

    async clear(tenant) {
      try {
        const beginning = JSON.stringify([tenant]).slice(0, -1);
        return await removeAll(`${folder}:${beginning.replace(/[\\*?[\]]/g, '\\$&')},*`);
      } catch (error) {
        throw redisUnreachable(error);
      }
    },

    close() {
      clearTimeout(forgetting);
      client.disconnect();
    },
  };
}
