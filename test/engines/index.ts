import { inject, test } from 'vitest';
import { redisBinary, startRedis, type OwnRedis } from './local-redis.ts';
import type { Addresses, EngineName, Provisioned } from './names.ts';

export { freshDatabase } from './fresh-database.ts';
export { freshPrefix } from './fresh-prefix.ts';

/**
 * The address of an engine of this run, started by whoever asks first; or why there is none, which is listed at the end of the run under `what`.
 * With METERLINE_TEST_ENGINES=required a missing engine is an error.
 */
async function engine<N extends EngineName>(name: N, what: string): Promise<Provisioned<Addresses[N]>> {
  const answer = await fetch(new URL(`/${name}?for=${encodeURIComponent(what)}`, inject('enginesUrl')));
  if (!answer.ok) throw new Error(`the engines of this run cannot be asked: ${await answer.text()}`);
  const outcome = (await answer.json()) as Provisioned<Addresses[N]> & { readonly required: boolean };
  if ('missing' in outcome && outcome.required) throw new Error(`${what} needs ${name}: ${outcome.missing}`);
  return outcome;
}

/**
 * `await onEngines('the ledger on PostgreSQL', ['postgres'], ({ postgres }) => { describe(...) })` at the top of a test file: defines the
 * tests if every engine is there, else one test of that title which is reported as skipped, with the reason.
 */
export async function onEngines<const N extends EngineName>(
  what: string,
  names: readonly N[],
  define: (addresses: Pick<Addresses, N>) => void | Promise<void>,
): Promise<void> {
  const outcomes = await Promise.all(names.map(async (name) => [name, await engine(name, what)] as const));
  const missing = outcomes.flatMap(([name, outcome]) => ('missing' in outcome ? [`no ${name}: ${outcome.missing}`] : []));
  if (missing.length > 0) {
    test(what, (context) => context.skip(missing.join('; ')));
    return;
  }
  const addresses = outcomes.map(([name, outcome]) => [name, 'address' in outcome ? outcome.address : undefined]);
  await define(Object.fromEntries(addresses) as Pick<Addresses, N>);
}

/** The same for what a test starts by itself: `trouble` says why it cannot be had here, or is undefined. */
export async function onAvailable(what: string, trouble: string | undefined, define: () => void | Promise<void>): Promise<void> {
  if (trouble === undefined) return define();
  const answer = await fetch(
    new URL(`/missing?${new URLSearchParams({ for: what, reason: trouble }).toString()}`, inject('enginesUrl')),
  );
  const { required } = (await answer.json()) as { required: boolean };
  if (required) throw new Error(`${what}: ${trouble}`);
  test(what, (context) => context.skip(trouble));
}

/** For tests that kill and freeze a Redis of their own. Each call of `start` gives another. */
export async function onOwnRedis(what: string, define: (start: () => Promise<OwnRedis>) => void): Promise<void> {
  await onAvailable(what, redisBinary() ? undefined : 'redis-server is not installed', () => define(startRedis));
}
