import { compileMeter, type CompiledMeter } from '@meterline/domain/meters';
import type { FeedingMeter, LedgerConfig, SegmentLedger } from '../ports/segment-ledger.ts';
import type { SegmentConfig } from './derive.ts';

const VERSIONS_KEPT = 8;
const NO_METERS: readonly CompiledMeter<FeedingMeter>[] = [];

function compileConfig({ version, acceptance, meters }: LedgerConfig): SegmentConfig {
  const byTenant = new Map<string, Map<string, CompiledMeter<FeedingMeter>[]>>();
  for (const [tenant, own] of Map.groupBy(meters, (meter) => meter.tenant)) {
    const byType = Map.groupBy(own.map((meter) => compileMeter(meter)), ({ meter }) => meter.eventType); // prettier-ignore
    byTenant.set(tenant, byType);
  }
  return { version, ...acceptance, metersOf: (tenant, type) => byTenant.get(tenant)?.get(type) ?? NO_METERS };
}

/** Configuration by version, compiled once; a version never changes. */
export function segmentConfigs(ledger: Pick<SegmentLedger, 'configAt'>): (version: number) => Promise<SegmentConfig> {
  const compiled = new Map<number, SegmentConfig>();
  return async (version) => {
    let config = compiled.get(version);
    if (config === undefined) {
      config = compileConfig(await ledger.configAt(version));
      compiled.set(version, config);
      const [oldest] = compiled.keys();
      if (compiled.size > VERSIONS_KEPT && oldest !== undefined) compiled.delete(oldest);
    }
    return config;
  };
}
