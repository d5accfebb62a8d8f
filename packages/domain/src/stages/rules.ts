import { z } from 'zod';
import { wholeNumberField, positiveField, strictFields } from '../prices/fields.ts';
import { addMonths, civilOf, type EpochDay } from '../time/index.ts';
import type { ChangeKind } from './change.ts';

/** Rules that a plan version sets for changes of the subscriptions under it. */
export const changeRulesSchema = strictFields('changeRules', {
  noticeHours: wholeNumberField('noticeHours', 8_784)
    .optional()
    .describe(
      'So long before it takes effect a change at a renewal must be asked for, and a downgrade, pause or cancellation at any time',
    ),
  windows: z
    .array(strictFields('window', { fromDay: wholeNumberField('fromDay', 31), toDay: wholeNumberField('toDay', 31) }))
    .min(1)
    .max(10)
    .optional()
    .describe('Days of the month, both inclusive, on which changes may take effect'),
  minimumTermMonths: wholeNumberField('minimumTermMonths', 120)
    .optional()
    .describe('So long after the plan began it cannot be downgraded, paused or cancelled'),
  changeFee: positiveField('changeFee').optional().describe('Charged once for each change of plan or quantities'),
  limit: strictFields('limit', { changes: wholeNumberField('changes', 1_000), days: wholeNumberField('days', 3_660) })
    .optional()
    .describe('At most so many changes of plan or quantities within so many days'),
  upgrade: z
    .enum(['prorated', 'full_price'])
    .optional()
    .describe('What the fees of the plan upgraded to come to in the period of the change: its days (default), or all of it'),
  downgrade: z
    .enum(['now', 'period_end'])
    .optional()
    .describe('When a downgrade may take effect: any day (default), or when a period ends'),
});
export type ChangeRules = z.infer<typeof changeRulesSchema>;

/** Whether fees rise or fall; `same` also where there are no fees to compare. */
export type ChangeDirection = 'up' | 'down' | 'same';

export interface RuledChange {
  readonly kind: ChangeKind;
  readonly direction: ChangeDirection;
  /** First day on which the change holds. */
  readonly day: EpochDay;
  /** First day of the plan, without a break until then. */
  readonly planSince: EpochDay;
  /** Days on which earlier changes of plan or quantities took or take effect, in order. */
  readonly earlier: readonly EpochDay[];
  readonly nowMs: number;
  startOfDayMs(day: EpochDay): number;
  /** The first day from this one on with which a billing period begins. */
  renewalFrom(day: EpochDay): EpochDay;
}

export interface RuleRefusal {
  readonly rule: Exclude<keyof ChangeRules, 'changeFee' | 'upgrade'>;
  /** What the rule asks for. */
  readonly asks: string;
  /** The first day on which this rule allows it; null: none that can be foreseen. */
  readonly allowedFrom: EpochDay | null;
}

const HOUR_MS = 3_600_000;

const FREE: ReadonlySet<ChangeKind> = new Set(['start', 'resume', 'resubscribe', 'trial']);

/** Everything that the rules have against a change. What gives something up or back (a resumption, a new beginning) is always free, and so is a trial. */
export function ruleRefusals(rules: ChangeRules, change: RuledChange): RuleRefusal[] {
  if (FREE.has(change.kind)) return [];
  const refusals = [notice, windows, minimumTerm, limit, downgrade].flatMap((rule) => rule(rules, change) ?? []);
  return refusals.map(({ isAllowed, ...refusal }) => ({ ...refusal, allowedFrom: firstDay(change.day, isAllowed) }));
}

type Verdict = (Omit<RuleRefusal, 'allowedFrom'> & { isAllowed(day: EpochDay): boolean }) | undefined;
type Rule = (rules: ChangeRules, change: RuledChange) => Verdict;

const isReducing = ({ kind, direction }: RuledChange) => kind === 'pause' || kind === 'cancel' || direction === 'down';
const isCounted = ({ kind }: RuledChange) => kind === 'plan' || kind === 'quantity';

const notice: Rule = ({ noticeHours }, change) => {
  const isRenewal = change.renewalFrom(change.day) === change.day;
  if (noticeHours === undefined || !(isRenewal || isReducing(change))) return undefined;
  const isAllowed = (day: EpochDay) =>
    change.startOfDayMs(day) - change.nowMs >= noticeHours * HOUR_MS && (!isRenewal || change.renewalFrom(day) === day);
  return isAllowed(change.day) ? undefined : { rule: 'noticeHours', asks: `needs a notice of ${noticeHours} hours`, isAllowed };
};

const windows: Rule = ({ windows: open }, { day }) => {
  if (open === undefined) return undefined;
  const isAllowed = (on: EpochDay) => open.some(({ fromDay, toDay }) => isWithin(civilOf(on).day, fromDay, toDay));
  const days = open.map(({ fromDay, toDay }) => `${fromDay} to ${toDay}`).join(', ');
  return isAllowed(day) ? undefined : { rule: 'windows', asks: `takes effect on days ${days} of a month`, isAllowed };
};

const minimumTerm: Rule = ({ minimumTermMonths }, change) => {
  if (minimumTermMonths === undefined || !isReducing(change)) return undefined;
  const isAllowed = (day: EpochDay) => day >= addMonths(change.planSince, minimumTermMonths);
  const asks = `waits until the plan has run for ${minimumTermMonths} months`;
  return isAllowed(change.day) ? undefined : { rule: 'minimumTermMonths', asks, isAllowed };
};

const limit: Rule = ({ limit: most }, change) => {
  if (most === undefined || !isCounted(change)) return undefined;
  const isAllowed = (day: EpochDay) =>
    change.earlier.filter((earlier) => Math.abs(day - earlier) < most.days).length < most.changes;
  const asks = `is one of at most ${most.changes} within ${most.days} days`;
  return isAllowed(change.day) ? undefined : { rule: 'limit', asks, isAllowed };
};

const downgrade: Rule = ({ downgrade: when }, change) => {
  if (when !== 'period_end' || change.direction !== 'down') return undefined;
  const isAllowed = (day: EpochDay) => change.renewalFrom(day) === day;
  return isAllowed(change.day) ? undefined : { rule: 'downgrade', asks: 'takes effect when a period ends', isAllowed };
};

/** A window may go over the end of a month: 28 to 3. */
function isWithin(day: number, from: number, to: number): boolean {
  return from <= to ? day >= from && day <= to : day >= from || day <= to;
}

/** Minimum terms are the longest that a rule may ask for. */
const DAYS_AHEAD_MAX = 11 * 366;

function firstDay(from: EpochDay, isAllowed: (day: EpochDay) => boolean): EpochDay | null {
  for (let day = from; day < from + DAYS_AHEAD_MAX; day += 1) if (isAllowed(day)) return day;
  return null;
}
