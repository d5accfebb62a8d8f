export { startAggregator, type AggregatorService } from './aggregator.ts';
