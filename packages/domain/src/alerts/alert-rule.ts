import type { FaultDetail } from '../faults/index.ts';
import { compare, type Decimal, decimal, formatDecimal, multiply } from '../money/index.ts';

/** Watches the spend of one customer, or of everyone on a plan. Never changes once created. */
export interface AlertRule {
  readonly key: string;
  /** Exactly one of `customer` and `plan` is set. */
  readonly customer: string | null;
  readonly plan: string | null;
  /** Money per billing period. Needed by percentages only. */
  readonly budget: string | null;
  /** Amounts (`50.00`) and percentages of the budget (`80%`). */
  readonly thresholds: readonly string[];
}

/** A threshold in money. */
export interface AlertLevel {
  readonly threshold: string;
  readonly amount: Decimal;
}

const THRESHOLDS_MAX = 20;

const POSITIVE_DECIMAL = /^(?=.*[1-9])\d{1,24}(?:\.\d{1,12})?$/;
const ONE_PERCENT = decimal('0.01');

/** The levels of a valid rule, lowest first. */
export function alertLevels({ thresholds, budget }: Pick<AlertRule, 'thresholds' | 'budget'>): AlertLevel[] {
  return thresholds
    .map((threshold) => ({ threshold, amount: amountOf(threshold, budget === null ? null : decimal(budget)) }))
    .sort((a, b) => compare(a.amount, b.amount));
}

/**
 * Levels that `spend` reached (a level that is just met is reached), lowest first; with `previousSpend`, those that were not reached
 * before.
 */
export function crossedThresholds(levels: readonly AlertLevel[], spend: Decimal, previousSpend?: Decimal): AlertLevel[] {
  const reached = (level: AlertLevel, at: Decimal) => compare(at, level.amount) >= 0;
  return levels.filter((level) => reached(level, spend) && (previousSpend === undefined || !reached(level, previousSpend)));
}

/** Everything that is wrong with a rule as somebody wrote it, each at its field. */
export function alertRuleFaults(rule: AlertRule): FaultDetail[] {
  const faults: FaultDetail[] = [];
  if ((rule.customer === null) === (rule.plan === null)) {
    faults.push({ path: 'customer', message: 'give exactly one of customer and plan' });
  }
  if (rule.budget !== null && !POSITIVE_DECIMAL.test(rule.budget)) {
    faults.push({ path: 'budget', message: 'budget must be a decimal string above zero, such as "200.00"' });
  }
  if (rule.thresholds.length === 0 || rule.thresholds.length > THRESHOLDS_MAX) {
    faults.push({ path: 'thresholds', message: `give 1 to ${THRESHOLDS_MAX} thresholds` });
  }
  const malformed = rule.thresholds.flatMap((threshold, index) => thresholdFaults(threshold, index, rule.budget));
  return [...faults, ...malformed, ...(faults.length + malformed.length === 0 ? repeatedLevels(rule) : [])];
}

function thresholdFaults(threshold: string, index: number, budget: string | null): FaultDetail[] {
  const path = `thresholds[${index}]`;
  const isPercentage = threshold.endsWith('%');
  if (!POSITIVE_DECIMAL.test(isPercentage ? threshold.slice(0, -1) : threshold)) {
    return [{ path, message: 'a threshold must be an amount above zero such as "50.00" or a percentage such as "80%"' }];
  }
  return isPercentage && budget === null ? [{ path, message: 'a percentage needs a budget' }] : [];
}

/** Two thresholds that come to the same money would both fire at the same moment. */
function repeatedLevels(rule: AlertRule): FaultDetail[] {
  const seen = new Map<string, string>();
  return rule.thresholds.flatMap((threshold, index) => {
    const amount = formatDecimal(amountOf(threshold, rule.budget === null ? null : decimal(rule.budget)));
    const before = seen.get(amount);
    seen.set(amount, threshold);
    return before === undefined
      ? []
      : [{ path: `thresholds[${index}]`, message: `the same level as ${before}: both are ${amount}` }];
  });
}

function amountOf(threshold: string, budget: Decimal | null): Decimal {
  if (!threshold.endsWith('%')) return decimal(threshold);
  if (budget === null) throw new RangeError(`threshold ${threshold} without a budget`);
  return multiply(multiply(decimal(threshold.slice(0, -1)), ONE_PERCENT), budget);
}
