import { compileMeter, type CompiledMeter } from '@meterline/domain/meters';
import type { FeedingMeter, LedgerConfig, SegmentLedger } from '../ports/segment-ledger.ts';
import type { SegmentConfig } from './derive.ts';

const VERSIONS_KEPT = 8;
const NO_METERS: readonly CompiledMeter<FeedingMeter>[] = [];

function compileConfig({ version, acceptance, meters }: LedgerConfig): SegmentConfig {
  const byType = new Map<string, CompiledMeter<FeedingMeter>[]>();
  for (const meter of meters) {
    const key = `${meter.tenant}\0${meter.eventType}`;
    const compiled = byType.get(key);
    if (compiled === undefined) byType.set(key, [compileMeter(meter)]);
    else compiled.push(compileMeter(meter));
  }
  return { version, ...acceptance, metersOf: (tenant, type) => byType.get(`${tenant}\0${type}`) ?? NO_METERS };
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
