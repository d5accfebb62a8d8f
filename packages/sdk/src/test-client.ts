import { Meterline } from './index.ts';
import type { Drop, MeterlineError, MeterlineOptions } from './index.ts';
import { startServer } from './test-server.ts';
import type { Answer, SeenEvent } from './test-server.ts';

export const EVENT = { type: 'call', subject: 'acme' };

const cleanups: (() => Promise<void>)[] = [];

/** A quick client of a server that answers as `answer` says, with everything the client told its callbacks. */
export async function start(
  answer: (events: readonly SeenEvent[], index: number) => Answer,
  options: Partial<MeterlineOptions> = {},
) {
  const server = await startServer(answer);
  const errors: MeterlineError[] = [];
  const drops: Drop[] = [];
  const client = new Meterline({
    url: server.url,
    apiKey: 'mk_test_1_secret',
    flushIntervalMs: 5,
    backoffMinMs: 1,
    backoffMaxMs: 10,
    onError: (error) => errors.push(error),
    onDrop: (drop) => drops.push(drop),
    ...options,
  });
  cleanups.push(server.stop, () => client.close({ timeoutMs: 0 }));
  return { client, server, errors, drops };
}

/** To be called after each test. */
export async function stopAll(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}
