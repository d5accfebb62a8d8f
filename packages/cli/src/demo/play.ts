import { setTimeout as sleep } from 'node:timers/promises';
import { Meterline } from '@meterline/sdk';
import { EVENT_TYPE, SUBJECT } from './catalogue.ts';
import type { Call } from './trace.ts';

export interface Played {
  readonly counters: Meterline['counters'];
  /** From the first call told to the last one stored. */
  readonly durationMs: number;
}

export interface PlayOptions {
  readonly url: string;
  readonly key: string;
  readonly playMs: number;
  /** Filled in: when the SDK was told of each call, by `performance.now()`. */
  readonly trackedMs: Float64Array;
  readonly signal: AbortSignal;
  /** After every step: calls told so far, and the time of the trace. */
  readonly onProgress: (told: number, time: string) => void;
}

const STEP_MS = 40;

/** Plays the trace through the SDK in its own rhythm, so much faster that all of it takes `playMs`; returns once everything is stored. */
export async function play(
  trace: readonly Call[],
  { url, key, playMs, trackedMs, signal, onProgress }: PlayOptions,
): Promise<Played> {
  // One request at a time keeps the calls in order.
  const sdk = new Meterline({ url, apiKey: key, source: 'azure-llm-2023', flushIntervalMs: 50, concurrency: 1 });
  const firstMs = trace[0]?.timeMs ?? 0;
  const lastMs = trace.at(-1)?.timeMs ?? 0;
  const startedMs = performance.now();
  let told = 0;
  while (told < trace.length) {
    const share = Math.min(1, (performance.now() - startedMs) / playMs);
    const untilMs = firstMs + share * (lastMs - firstMs);
    for (let call = trace[told]; call !== undefined && call.timeMs <= untilMs; call = trace[++told]) {
      trackedMs[told] = performance.now();
      const data = { input_tokens: call.inputTokens, output_tokens: call.outputTokens };
      sdk.track({ type: EVENT_TYPE, subject: SUBJECT, id: call.id, time: call.time, data });
    }
    onProgress(told, trace[told - 1]?.time ?? '');
    await sleep(STEP_MS, undefined, { signal });
  }
  await sdk.close();
  return { counters: sdk.counters, durationMs: performance.now() - startedMs };
}
