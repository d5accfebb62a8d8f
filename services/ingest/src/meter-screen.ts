import { isMeterRefusal } from '@meterline/domain/meters';
import type { SegmentConfig } from '@meterline/pipeline/aggregation';
import type { Rejection } from './accept.ts';
import type { CheckedEvent } from './event-check.ts';

export interface MeterScreen {
  /** Why a meter will refuse the event, if one will. */
  readonly screen: (tenant: string, event: CheckedEvent) => Rejection | undefined;
  /** Version of the meter configuration that it goes by. */
  readonly configVersion: () => number;
  stop(): void;
}

/**
 * Tells a sender at once what aggregation would find wrong later (no value, not a number). A courtesy that may lag behind a changed meter by
 * `refreshMs`: aggregation alone decides.
 */
export async function startMeterScreen(currentConfig: () => Promise<SegmentConfig>, refreshMs = 1_000): Promise<MeterScreen> {
  let config = await currentConfig();
  let refreshing = false;
  const refresh = setInterval(() => {
    if (refreshing) return;
    refreshing = true;
    // an outage of the billing store leaves the older configuration in use
    currentConfig().then((newer) => (config = newer), () => undefined).finally(() => (refreshing = false)); // prettier-ignore
  }, refreshMs);
  refresh.unref();

  function screen(tenant: string, { type, data }: CheckedEvent): Rejection | undefined {
    for (const { meter, contributionOf } of config.metersOf(tenant, type)) {
      if (meter.archivedVersion !== null) continue;
      const contribution = contributionOf(data);
      if (contribution !== null && isMeterRefusal(contribution)) return { code: contribution.code, message: contribution.detail };
    }
    return undefined;
  }

  return { screen, configVersion: () => config.version, stop: () => clearInterval(refresh) };
}
