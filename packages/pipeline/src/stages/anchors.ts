import type { StageRecord } from '../ports/index.ts';

/** What of a stage says from where its billing periods are counted. */
type Anchored = Pick<StageRecord, 'fromMs' | 'plan' | 'phase'>;

export const isOnTrial = ({ phase }: Pick<StageRecord, 'phase'>): boolean => phase !== null && phase.remindsAtMs !== null;

/** From where the periods of each stage are counted: the start of the subscription, and behind a trial its first day. */
export function anchorsOf(startsAtMs: number, stages: readonly Anchored[]): number[] {
  let anchorMs = startsAtMs;
  return stages.map((stage, index) => {
    const before = stages[index - 1];
    if (before !== undefined && isOnTrial(before) && !isOfOnePhase(before, stage)) anchorMs = stage.fromMs;
    return anchorMs;
  });
}

function isOfOnePhase(one: Anchored, other: Anchored): boolean {
  return one.plan === other.plan && one.phase?.key === other.phase?.key;
}
