import type { BillingPorts, Decorations, Ports } from '@meterline/composition/installation';
import type { AggregationLimits, AggregationStep } from '@meterline/pipeline/aggregation';
import type { Settings } from '@meterline/runtime/config';
import type { Health } from '@meterline/runtime/health';
import type { OnStop } from '@meterline/runtime/lifecycle';
import type { Logger } from '@meterline/runtime/logging';
import type { Metrics } from '@meterline/runtime/metrics';
import type { Engines } from './engines.ts';

export interface StandaloneOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly onStop: OnStop;
  readonly decorate?: Decorations;
  readonly limits?: AggregationLimits;
  readonly onStep?: (step: AggregationStep) => void | Promise<void>;
}

/** Everything that workers and routes of this process share. */
export interface Installation extends StandaloneOptions {
  readonly engines: Engines;
  readonly ports: Ports;
  readonly billing: BillingPorts;
  readonly metrics: Metrics;
  readonly health: Health;
}
