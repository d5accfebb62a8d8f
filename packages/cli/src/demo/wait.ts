import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/** Asks until there is an answer. Fails when there is none after `timeoutMs`, naming what was waited for. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  { signal, timeoutMs = 60_000 }: { signal: AbortSignal; timeoutMs?: number },
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadlineMs) throw new Error(`Waited ${timeoutMs / 1000} s for ${what}, in vain.`);
    await sleep(POLL_MS, undefined, { signal });
  }
}
