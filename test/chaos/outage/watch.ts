import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVICES, type Cluster, type ServiceName } from '../../cluster/index.ts';

/** A service as it was between two moments (`performance.now()`). */
export interface Sample {
  readonly askedMs: number;
  readonly atMs: number;
  readonly service: ServiceName;
  /** Checks that failed, with their reasons; none = ready. */
  readonly failing: readonly string[];
  /** NaN where the machine does not say, which no bound can judge. */
  readonly residentBytes: number;
  /** Gauges by name without the prefix `meterline_`, those without labels. */
  readonly gauges: ReadonlyMap<string, number>;
}

const EVERY_MS = 250;

/** Looks at the first process of each service four times a second, until stopped. */
export function watchServices(cluster: Cluster): { readonly samples: readonly Sample[]; stop(): Promise<void> } {
  const samples: Sample[] = [];
  const stopping = new AbortController();

  async function watch(service: ServiceName): Promise<void> {
    const url = cluster.urls[service][0] ?? '';
    while (!stopping.signal.aborted) {
      const askedMs = performance.now();
      const [failing, gauges] = await Promise.all([failingOf(url), gaugesOf(url)]);
      const residentBytes = residentBytesOf(cluster.pid(service, 0));
      samples.push({ askedMs, atMs: performance.now(), service, failing, gauges, residentBytes });
      await sleep(EVERY_MS);
    }
  }
  const watching = Promise.all(SERVICES.map(watch));

  return {
    samples,
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}

async function failingOf(url: string): Promise<string[]> {
  const response = await fetch(`${url}/readyz`);
  const { failing } = (await response.json()) as { failing: readonly { check: string; reason: string }[] };
  return failing.map(({ check, reason }) => `${check}: ${reason}`);
}

async function gaugesOf(url: string): Promise<ReadonlyMap<string, number>> {
  const exposed = await (await fetch(`${url}/metrics`)).text();
  return new Map([...exposed.matchAll(/^meterline_(\w+) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]));
}

function residentBytesOf(pid: number | undefined): number {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return Number.NaN;
  }
}
