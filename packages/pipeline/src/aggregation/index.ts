export * from './aggregator.ts';
export { hashId } from './decode.ts';
export { uniqueKey } from './deltas.ts';
export * from './sealing.ts';
export { sameIdentity } from './row-batch.ts';
export * from './compaction.ts';
export { joinSegments } from './join-segments.ts';
export { segmentConfigs } from './segment-config.ts';
export type { SegmentConfig } from './derive.ts';
