import type { LoadOrder, LoadPace, LoadProgress, LoadResult } from './load.ts';
import { answer, child } from './processes.ts';
import { progress } from './progress.ts';

const LOAD = { batch: 1_000, connections: 4 };
const PACE_MS = 100;

type Load = Pick<LoadOrder, 'run' | 'first' | 'events' | 'aheadMax'>;

/** Sends events over HTTP from a process of its own. `committed` says how many of them are usage by now, for an order that must not run ahead. */
export async function sendLoad(
  target: { readonly url: string; readonly key: string },
  label: string,
  order: Load,
  committed?: () => Promise<number>,
): Promise<LoadResult> {
  const generator = child('load.ts');
  const bar = progress(label, order.events);
  generator.send({ ...target, ...LOAD, ...order } satisfies LoadOrder);
  const tell = (count: number) => generator.connected && generator.send({ committed: count } satisfies LoadPace);
  const pacing = committed && setInterval(() => void committed().then(tell), PACE_MS);
  const result = await answer<LoadResult>(generator, (message) => {
    if ('startedMs' in (message as object)) return false;
    bar.at((message as LoadProgress).acknowledged);
    return true;
  });
  clearInterval(pacing);
  bar.end();
  generator.disconnect();
  return result;
}
