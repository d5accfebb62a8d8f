import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';

const WAIT_MS = 50;

/** Resolves when every ingest screens events with the configuration of so many meters: until then it lets in what aggregation rejects. */
export async function untilScreening(cluster: Pick<Cluster, 'urls'>, meters: number): Promise<void> {
  // Each meter makes one more version; the first one is that of an installation without meters.
  for (const url of cluster.urls.ingest) while ((await configVersion(url)) < meters + 1) await sleep(WAIT_MS);
}

async function configVersion(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const version = /^meterline_ingest_meter_config_version\S* (\d+)$/m.exec(metrics)?.[1];
  if (version === undefined) throw new Error(`no version of the meter configuration among the metrics of ${url}`);
  return Number(version);
}
