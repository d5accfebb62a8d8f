import { isTrial, type PhaseDays } from '../phases/index.ts';
import type { EpochDay } from '../time/index.ts';
import type { ChangeFee, Lapse, Phasing, Quantities, StageTerms, SubscriptionChange } from './change.ts';

/** Local days in which a subscription is the same throughout. Half-open. */
export interface Stage {
  readonly fromDay: EpochDay;
  /** Null: until the subscription ends. The last stage has one only where its trial lapses. */
  readonly untilDay: EpochDay | null;
  /** Where the subscription had ended with it, and began again later: the instant of that end. */
  readonly endsAtMs: number | null;
  readonly terms: StageTerms;
  /** Of the plan version; null behind its phases. */
  readonly phase: PhaseDays | null;
  readonly quantities: Quantities;
  /** Nothing is billed. */
  readonly paused: boolean;
  readonly paysWhole: boolean;
  /** The days before it are invoiced by themselves: it has billing periods of its own, even if it is as the stage before. */
  readonly anew: boolean;
  readonly fees: readonly ChangeFee[];
  /** The change that it began with. */
  readonly change: string;
}

export interface Timeline {
  /** In order, at least one; days between two are days on which the subscription had ended. */
  readonly stages: readonly Stage[];
  /** Through whose local day the last stage is billed; null = open. Before the first stage: called off before it began. */
  readonly endsAtMs: number | null;
}

/**
 * The stages that follow from a subscription's changes, among them its `start`. Of all changes to one thing (terms, the quantity of a card,
 * pausing, the end) the one that began last among those that still hold decides: so a temporary change gives way to what would be without it,
 * one that is scheduled stays scheduled when another is made before it, and withdrawing a change is leaving it out. Terms bring their phases along.
 * `startOfDayMs` says when the days of the customer begin.
 */
export function timelineOf(changes: readonly SubscriptionChange[], startOfDayMs: (day: EpochDay) => number): Timeline {
  const ordered = amended(changes).sort((a, b) => a.fromDay - b.fromDay || a.seq - b.seq);
  const start = ordered.find(({ kind }) => kind === 'start');
  if (start?.terms === undefined) throw new Error('a subscription has no start');
  const startDay = start.fromDay;
  const days = [...new Set(ordered.flatMap(boundaries))].filter((day) => day >= startDay).sort((a, b) => a - b);

  const stages: Stage[] = [];
  let endsAtMs: number | null = null;
  for (const [index, day] of days.entries()) {
    const cancelledMs = cancelledAt(ordered, day);
    const hasLapsed = lapseAt(ordered, day)?.terms === null;
    const last = stages.at(-1);
    if (cancelledMs === undefined && !hasLapsed) {
      endsAtMs = null;
      const stage = { ...stageAt(ordered, day, start.terms), untilDay: days[index + 1] ?? null };
      if (last?.untilDay === day && goesOn(last, stage)) stages[stages.length - 1] = { ...last, untilDay: stage.untilDay };
      else stages.push(stage);
      continue;
    }
    // What has ended does not end again.
    endsAtMs ??= cancelledMs ?? startOfDayMs(day) - 1;
    if (last?.untilDay === day) stages[stages.length - 1] = { ...last, endsAtMs };
  }
  const last = stages.pop() ?? { ...stageAt(ordered, startDay, start.terms), untilDay: null };
  if (endsAtMs === null) return { stages: [...stages, last], endsAtMs };
  // The end of the last stage is that of the subscription; where its trial lapses, no later one moves it.
  const lapses = last.untilDay !== null && lapseAt(ordered, last.untilDay)?.terms === null;
  return { stages: [...stages, { ...last, untilDay: lapses ? last.untilDay : null, endsAtMs: null }], endsAtMs };
}

/** The terms that were agreed on for a day: by which change, and how they are phased as it was amended last. */
export function agreedOn(changes: readonly SubscriptionChange[], day: EpochDay): AgreedTerms | undefined {
  const ordered = amended(changes).sort((a, b) => a.fromDay - b.fromDay || a.seq - b.seq);
  const agreed = agreedOf(holdingOn(ordered, day));
  return agreed?.terms && { change: agreed.id, terms: agreed.terms, phasing: agreed.phasing };
}

export interface AgreedTerms {
  readonly change: string;
  readonly terms: StageTerms;
  readonly phasing: Phasing | undefined;
}

/** A change with its phasing as it was amended last. */
interface Entry extends SubscriptionChange {
  readonly phasedBy: string;
}
type Entries = readonly Entry[];

function amended(changes: readonly SubscriptionChange[]): Entry[] {
  const last = new Map<string, SubscriptionChange>();
  for (const change of changes.toSorted((a, b) => a.seq - b.seq)) if (change.amends) last.set(change.amends, change);
  return changes
    .filter(({ kind }) => kind !== 'trial')
    .map((change) => {
      const { id, phasing } = last.get(change.id) ?? change;
      return { ...change, phasing, phasedBy: id };
    });
}

function boundaries({ fromDay, untilDay, phasing }: Entry): EpochDay[] {
  const ends = phasing?.phases.map((phase) => phase.untilDay).filter((day) => untilDay === null || day < untilDay) ?? [];
  return [fromDay, ...(untilDay === null ? [] : [untilDay]), ...ends];
}

/** The end that was asked for and holds on a day. */
function cancelledAt(ordered: Entries, day: EpochDay): number | undefined {
  const last = ordered.findLast(({ kind, fromDay }) => fromDay <= day && (kind === 'cancel' || kind === 'resubscribe'));
  return last?.kind === 'cancel' ? last.endsAtMs : undefined;
}

const holdingOn = (ordered: Entries, day: EpochDay) =>
  ordered.filter(({ fromDay, untilDay }) => fromDay <= day && (untilDay === null || day < untilDay));

const agreedOf = (holding: Entries) => holding.findLast(({ terms }) => terms !== undefined);

/** What followed the trial of the terms of a day, if it did not convert. */
function lapseAt(ordered: Entries, day: EpochDay): Lapse | undefined {
  const lapse = agreedOf(holdingOn(ordered, day))?.phasing?.lapse;
  return lapse && lapse.fromDay <= day ? lapse : undefined;
}

function stageAt(ordered: Entries, day: EpochDay, fallback: StageTerms): Omit<Stage, 'untilDay'> {
  const holding = holdingOn(ordered, day);
  const agreed = agreedOf(holding);
  const resting = holding.findLast(({ kind }) => kind === 'pause' || kind === 'resume' || kind === 'resubscribe');
  const beginning = ordered.filter(({ fromDay, kind }) => fromDay === day && kind !== 'cancel');
  const made = beginning.at(-1) ?? ordered.findLast(({ untilDay }) => untilDay === day);
  const lapsed = lapseAt(ordered, day)?.terms ?? undefined;
  const phase = lapsed === undefined ? agreed?.phasing?.phases.find(({ untilDay }) => day < untilDay) : undefined;
  const terms = lapsed ?? agreed?.terms ?? fallback;
  return {
    fromDay: day,
    endsAtMs: null,
    terms: phase && isTrial(phase) ? { ...terms, commitment: null } : terms,
    phase: phase ?? null,
    quantities: Object.assign({}, ...holding.map(({ quantities }) => quantities ?? {})) as Quantities,
    paused: resting?.kind === 'pause',
    paysWhole: agreed?.paysWhole === true && agreed.fromDay === day,
    anew: beginning.some(({ anew }) => anew === true),
    fees: beginning.flatMap(({ fee }) => fee ?? []),
    change: made?.id ?? agreed?.phasedBy ?? '',
  };
}

/** Whether nothing changes from a stage to what follows it. */
function goesOn(stage: Stage, next: Stage): boolean {
  if (next.fees.length > 0 || next.paysWhole || next.anew || stage.paused !== next.paused) return false;
  if (stage.phase?.key !== next.phase?.key) return false;
  return sameTerms(stage.terms, next.terms) && canonical(stage.quantities) === canonical(next.quantities);
}

/** Whether two stages charge by the same plan version and have agreed on the same. */
export function sameTerms(a: StageTerms, b: StageTerms): boolean {
  return a.plan === b.plan && a.planVersion === b.planVersion && canonical(a.commitment) === canonical(b.commitment);
}

function canonical(value: object | null): string {
  return JSON.stringify(value, Object.keys(value ?? {}).sort());
}
