import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ClickhouseLimit } from './clickhouse-limit.ts';
import type { KafkaLimit } from './kafka-limit.ts';
import type { Measured } from './measure.ts';
import type { Storage } from './storage.ts';
import type { Work } from './work-classes.ts';

/** What was measured so far on one cluster; each part is there once it was run. */
export interface Results {
  machine: string;
  limits?: { readonly kafka: KafkaLimit; readonly clickhouse: ClickhouseLimit; readonly clickhouseMicros: number };
  one?: Measured;
  two?: Measured;
  http?: Measured;
  /** Seconds of the thread of one aggregator, by what it did; and its CPU an event. */
  work?: { readonly events: number; readonly threadMicros: number; readonly seconds: Readonly<Partial<Record<Work, number>>> };
  /** From so many events stored to so many. */
  growth: { readonly from: number; readonly to: number; readonly measured: Measured }[];
  /** From the start of an aggregator until its id filter was warm. */
  warm?: { readonly stored: number; readonly seconds: number };
  storage?: Storage & { readonly stored: number };
}

const FILE = 'bench.json';

/** Goes on with what was measured on the cluster of this folder before. */
export function openResults(dataFolder: string, machine: string): { results: Results; keep(): void } {
  const file = path.join(dataFolder, FILE);
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : { growth: [] };
  const results: Results = { ...before, machine };
  return { results, keep: () => writeFileSync(file, JSON.stringify(results, undefined, 2)) };
}
