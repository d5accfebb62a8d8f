export { chainOf, type WantedCuts } from './chain.ts';
export { feedLog } from './feed.ts';
export { type MoveLayout, type MoveStep, placeOf, stepsOf, versionEnds } from './layout.ts';
export { originalRecords, type OriginalLog } from './original-records.ts';
export { replayLog } from './replay.ts';
export { OUTCOMES, recordTotals, type RecordTotals, usageByMonth } from './totals.ts';
