import type { StageRecord, SubscriptionRecord } from '../ports/index.ts';

/** What became of a subscription with the end of its trial. */
export type TrialOutcome = 'converted' | 'moved' | 'expired' | 'cancelled';

/** Something to be told of a trial. */
export interface TrialNotice {
  readonly kind: 'will_end' | 'ended';
  /** The end that the trial was to have: with the kind, what the notice is known by. */
  readonly trialUntilMs: number;
  readonly dueMs: number;
  /** Null of `will_end`. */
  readonly outcome: TrialOutcome | null;
}

/** Everything that is to be told of the trials of a subscription, by its stages. Of a trial that is left before its end, no reminder. */
export function trialNotices({ stages, endsAtMs }: Pick<SubscriptionRecord, 'stages' | 'endsAtMs'>): TrialNotice[] {
  // A change of quantities parts a trial into stages, as does another plan for a while.
  const trials = Map.groupBy(stages.filter(isBilled), ({ phase }) => (phase?.remindsAtMs != null ? phase.untilMs : null));
  return [...trials].flatMap(([trialUntilMs, parts]) => {
    const last = parts.at(-1);
    if (trialUntilMs === null || last?.phase?.remindsAtMs == null) return [];
    const outcome = outcomeOf(last, stages[stages.indexOf(last) + 1]);
    const endedMs = Math.min(last.untilMs ?? Infinity, last.endsAtMs ?? endsAtMs ?? Infinity);
    const ended = { kind: 'ended', trialUntilMs, dueMs: endedMs, outcome } as const;
    if (last.untilMs !== trialUntilMs || outcome === 'cancelled') return [ended];
    return [{ kind: 'will_end', trialUntilMs, dueMs: last.phase.remindsAtMs, outcome: null }, ended];
  });

  function isBilled({ fromMs }: StageRecord): boolean {
    return endsAtMs === null || fromMs <= endsAtMs;
  }

  function outcomeOf(trial: StageRecord, next: StageRecord | undefined): TrialOutcome {
    const endMs = trial.endsAtMs ?? (next === undefined || !isBilled(next) ? endsAtMs : null);
    if (endMs !== null) return trial.untilMs === trial.phase?.untilMs && endMs === trial.untilMs - 1 ? 'expired' : 'cancelled';
    return next?.plan === trial.plan ? 'converted' : 'moved';
  }
}
