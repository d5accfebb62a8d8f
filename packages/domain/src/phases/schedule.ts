import { addMonths, type EpochDay } from '../time/index.ts';
import { type PlanPhase, REMIND_DAYS } from './phase.ts';

/** A phase on the days of a subscription: from the end of the one before it, up to a day. */
export interface PhaseDays {
  readonly key: string;
  /** Exclusive. */
  readonly untilDay: EpochDay;
  /** Of a trial: so many days before its end it is told of. Null: it is none. */
  readonly remindDays: number | null;
}

export const isTrial = ({ remindDays }: PhaseDays): boolean => remindDays !== null;

/** The days of phases on end. Months are counted from where they begin, so that a short month does not shift those after it. */
export function phaseDays(phases: readonly PlanPhase[], fromDay: EpochDay): PhaseDays[] {
  let counted = { fromDay, months: 0 };
  return phases.map(({ key, lasts, trial }) => {
    const { days, months = 0 } = lasts;
    counted =
      days === undefined
        ? { ...counted, months: counted.months + months }
        : { fromDay: addMonths(counted.fromDay, counted.months) + days, months: 0 };
    const untilDay = addMonths(counted.fromDay, counted.months);
    return { key, untilDay, remindDays: trial === undefined ? null : (trial.remindDays ?? REMIND_DAYS) };
  });
}

/** The same phases with another end of the trial: those behind it move along. */
export function withTrialEnd(phases: readonly PlanPhase[], scheduled: readonly PhaseDays[], endDay: EpochDay): PhaseDays[] {
  const trial = scheduled.find(isTrial);
  if (trial === undefined) return [...scheduled];
  const later = phases.filter(({ key }) => scheduled.some((each) => each !== trial && each.key === key));
  return [{ ...trial, untilDay: endDay }, ...phaseDays(later, endDay)];
}

/** What is left of phases from a day on under another version of the plan, as far as it knows them by their keys. */
export function phasesGoingOn(phases: readonly PlanPhase[], scheduled: readonly PhaseDays[], day: EpochDay): PhaseDays[] {
  const left = scheduled.filter(({ untilDay }) => untilDay > day);
  const unknown = left.findIndex(({ key }) => !phases.some((phase) => phase.key === key));
  return unknown === -1 ? left : left.slice(0, unknown);
}
