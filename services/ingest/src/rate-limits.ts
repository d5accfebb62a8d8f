import type { Clock, IngestRates, RateLimiter } from '@meterline/pipeline/ports';
import type { IngestSettings } from '@meterline/runtime/config';

type RateSettings = Pick<IngestSettings, 'tenantEventsPerSecond' | 'tenantBytesPerSecond'>;

/** The rates that the settings name, or undefined if they limit nothing. */
export function ingestRates(settings: RateSettings): IngestRates | undefined {
  if (settings.tenantEventsPerSecond === 0 && settings.tenantBytesPerSecond === 0) return undefined;
  return { eventsPerSecond: settings.tenantEventsPerSecond, bytesPerSecond: settings.tenantBytesPerSecond };
}

/** Counts in this process alone. */
export function localRateLimiter(rates: IngestRates, clock: Pick<Clock, 'nowMs'>): RateLimiter {
  const events = tokenBuckets(rates.eventsPerSecond, clock);
  const bytes = tokenBuckets(rates.bytesPerSecond, clock);
  return {
    spend(tenant, eventsCount, bytesCount) {
      const waitMs = Math.max(events.waitMs(tenant), bytes.waitMs(tenant));
      if (waitMs === 0) {
        events.take(tenant, eventsCount);
        bytes.take(tenant, bytesCount);
      }
      return { waitMs, scope: 'local' };
    },
  };
}

function tokenBuckets(perSecond: number, clock: Pick<Clock, 'nowMs'>) {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  function refilled(tenant: string): { tokens: number; atMs: number } {
    const nowMs = clock.nowMs();
    const bucket = buckets.get(tenant) ?? { tokens: perSecond, atMs: nowMs };
    bucket.tokens = Math.min(perSecond, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) * perSecond) / 1000);
    bucket.atMs = nowMs;
    buckets.set(tenant, bucket);
    return bucket;
  }
  return {
    waitMs(tenant: string): number {
      if (perSecond === 0) return 0;
      const { tokens } = refilled(tenant);
      return tokens > 0 ? 0 : ((1 - tokens) * 1000) / perSecond;
    },
    take(tenant: string, count: number): void {
      if (perSecond > 0) refilled(tenant).tokens -= count;
    },
  };
}
