import type { EpochDay } from '../time/index.ts';
import type { ChangeFee, Quantities, StageTerms, SubscriptionChange } from './change.ts';

/** Local days in which a subscription is the same throughout. Half-open. */
export interface Stage {
  readonly fromDay: EpochDay;
  /** Null: until the subscription ends. */
  readonly untilDay: EpochDay | null;
  /** Where the subscription had ended with it, and began again later: the instant of that end. */
  readonly endsAtMs: number | null;
  readonly terms: StageTerms;
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
 * one that is scheduled stays scheduled when another is made before it, and withdrawing a change is leaving it out.
 */
export function timelineOf(changes: readonly SubscriptionChange[]): Timeline {
  const ordered = changes.toSorted((a, b) => a.fromDay - b.fromDay || a.seq - b.seq);
  const start = ordered.find(({ kind }) => kind === 'start');
  if (start?.terms === undefined) throw new Error('a subscription has no start');
  const startDay = start.fromDay;
  const days = [...new Set(ordered.flatMap(({ fromDay, untilDay }) => [fromDay, ...(untilDay === null ? [] : [untilDay])]))]
    .filter((day) => day >= startDay)
    .sort((a, b) => a - b);

  const stages: Stage[] = [];
  let endsAtMs: number | null = null;
  for (const [index, day] of days.entries()) {
    const end = endAt(ordered, day);
    // What has ended does not end again.
    endsAtMs = end === undefined ? null : (endsAtMs ?? end.endsAtMs ?? null);
    const last = stages.at(-1);
    if (end !== undefined) {
      if (last?.untilDay === day) stages[stages.length - 1] = { ...last, endsAtMs: end.endsAtMs ?? null };
      continue;
    }
    const stage = { ...stageAt(ordered, day, start.terms), untilDay: days[index + 1] ?? null };
    if (last?.untilDay === day && goesOn(last, stage)) stages[stages.length - 1] = { ...last, untilDay: stage.untilDay };
    else stages.push(stage);
  }
  const last = stages.pop() ?? { ...stageAt(ordered, startDay, start.terms), untilDay: null };
  // The end of the last stage is that of the subscription.
  return { stages: [...stages, endsAtMs === null ? last : { ...last, untilDay: null, endsAtMs: null }], endsAtMs };
}

type Changes = readonly SubscriptionChange[];

/** The cancellation that holds on a day. */
function endAt(ordered: Changes, day: EpochDay): SubscriptionChange | undefined {
  const last = ordered.findLast(({ kind, fromDay }) => fromDay <= day && (kind === 'cancel' || kind === 'resubscribe'));
  return last?.kind === 'cancel' ? last : undefined;
}

function stageAt(ordered: Changes, day: EpochDay, fallback: StageTerms): Omit<Stage, 'untilDay'> {
  const holding = ordered.filter(({ fromDay, untilDay }) => fromDay <= day && (untilDay === null || day < untilDay));
  const agreed = holding.findLast(({ terms }) => terms !== undefined);
  const resting = holding.findLast(({ kind }) => kind === 'pause' || kind === 'resume' || kind === 'resubscribe');
  const beginning = ordered.filter(({ fromDay, kind }) => fromDay === day && kind !== 'cancel');
  const made = beginning.at(-1) ?? ordered.findLast(({ untilDay }) => untilDay === day) ?? agreed;
  return {
    fromDay: day,
    endsAtMs: null,
    terms: agreed?.terms ?? fallback,
    quantities: Object.assign({}, ...holding.map(({ quantities }) => quantities ?? {})) as Quantities,
    paused: resting?.kind === 'pause',
    paysWhole: agreed?.paysWhole === true && agreed.fromDay === day,
    anew: beginning.some(({ anew }) => anew === true),
    fees: beginning.flatMap(({ fee }) => fee ?? []),
    change: made?.id ?? '',
  };
}

/** Whether nothing changes from a stage to what follows it. */
function goesOn(stage: Stage, next: Stage): boolean {
  if (next.fees.length > 0 || next.paysWhole || next.anew || stage.paused !== next.paused) return false;
  return sameTerms(stage.terms, next.terms) && canonical(stage.quantities) === canonical(next.quantities);
}

/** Whether two stages charge by the same plan version and have agreed on the same. */
export function sameTerms(a: StageTerms, b: StageTerms): boolean {
  return a.plan === b.plan && a.planVersion === b.planVersion && canonical(a.commitment) === canonical(b.commitment);
}

function canonical(value: object | null): string {
  return JSON.stringify(value, Object.keys(value ?? {}).sort());
}
