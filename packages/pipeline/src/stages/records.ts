import type { PhaseDays } from '@meterline/domain/phases';
import { type Phasing, type Stage, type SubscriptionChange, type Timeline, timelineOf } from '@meterline/domain/stages';
import { type EpochDay, localDateAt, startOfDateMs } from '@meterline/domain/time';
import type { PhaseRecord, PhasingRecord, StageRecord, SubscriptionChangeRecord } from '../ports/index.ts';

/** The changes that stand, by local days. */
export function standing(changes: readonly SubscriptionChangeRecord[], timezone: string): SubscriptionChange[] {
  return changes.filter(({ withdrawnAtMs }) => withdrawnAtMs === null).map((change) => byDays(change, timezone));
}

export function byDays(change: SubscriptionChangeRecord, timezone: string): SubscriptionChange {
  const { id, seq, kind, fromMs, untilMs, terms, phasing, amends, quantities, fee, paysWhole, anew, byVendor } = change;
  const day = localDateAt(fromMs, timezone);
  const untilDay = untilMs === null ? null : localDateAt(untilMs, timezone);
  const end = kind === 'cancel' ? { fromDay: day + 1, endsAtMs: fromMs } : { fromDay: day };
  const phased = phasing && { phasing: phasingByDays(phasing, timezone) };
  return { id, seq, kind, untilDay, terms, amends, quantities, fee, paysWhole, anew, byVendor, ...phased, ...end };
}

export function phasingByDays({ phases, lapse }: PhasingRecord, timezone: string): Phasing {
  return {
    phases: phases.map(({ untilMs, ...phase }) => ({ ...phase, untilDay: localDateAt(untilMs, timezone) })),
    lapse: lapse && { terms: lapse.terms, unless: lapse.unless, fromDay: localDateAt(lapse.fromMs, timezone) },
  };
}

export function phasingRecord({ phases, lapse }: Phasing, timezone: string): PhasingRecord {
  return {
    phases: phases.map(({ untilDay, ...phase }) => ({ ...phase, untilMs: startOfDateMs(untilDay, timezone) })),
    lapse: lapse && { terms: lapse.terms, unless: lapse.unless, fromMs: startOfDateMs(lapse.fromDay, timezone) },
  };
}

/** What the changes come to in the customer's zone. */
export function timelineIn(changes: readonly SubscriptionChange[], timezone: string): Timeline {
  return timelineOf(changes, (day) => startOfDateMs(day, timezone));
}

/** The stages by instants. */
export function stageRecords(
  stages: readonly Stage[],
  { startsAtMs, timezone }: { readonly startsAtMs: number; readonly timezone: string },
): StageRecord[] {
  const startDay = localDateAt(startsAtMs, timezone);
  const midnight = (day: EpochDay) => startOfDateMs(day, timezone);
  return stages.map(({ fromDay, untilDay, endsAtMs, terms, phase, quantities, paused, paysWhole, anew, fees, change }) => ({
    fromMs: fromDay === startDay ? startsAtMs : midnight(fromDay),
    untilMs: untilDay === null ? null : midnight(untilDay),
    endsAtMs,
    ...terms,
    phase: phase && phaseRecord(phase, midnight),
    quantities,
    paused,
    paysWhole,
    anew,
    changeFees: fees,
    change,
  }));
}

function phaseRecord({ key, untilDay, remindDays }: PhaseDays, midnight: (day: EpochDay) => number): PhaseRecord {
  return { key, untilMs: midnight(untilDay), remindsAtMs: remindDays === null ? null : midnight(untilDay - remindDays) };
}
