export { startAggregator, type AggregatorService } from './aggregator.ts';
export { startBackfills } from './backfills.ts';
export { soleDuty } from './duty.ts';
export { aggregationMetrics } from './metrics.ts';
export { startAggregatorService } from './service.ts';
export { startSharedDuty } from './shared-duty.ts';
