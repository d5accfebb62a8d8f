import { add, compare, decimal, formatDecimal, isNegative, multiply, subtract, ZERO } from '../money/index.ts';
import type { TimeWindow } from '../time/index.ts';
import type { Entitlement, MeteredEntitlement } from './entitlement.ts';

/** Which subscription allows something, and by which version of its plan. */
export interface EntitlementSource {
  readonly subscription: string;
  readonly plan: string;
  readonly version: number;
}

/** What one subscription allows of a feature. */
export interface GrantedEntitlement<Terms extends Entitlement = Entitlement> {
  readonly source: EntitlementSource;
  readonly entitlement: Terms;
  /** The period that is going on; of no meaning unless it is metered. */
  readonly window: TimeWindow;
}

/** Limits that reset together: they add up, and usage counts from the first of their beginnings. */
export interface LimitPool extends TimeWindow {
  /** Oldest subscription first. */
  readonly sources: readonly EntitlementSource[];
  /** Decimal text; null is unlimited. */
  readonly limit: string | null;
  readonly softLimit: boolean;
  /** Levels to be told of, ascending; the limit itself, 100, is one. None without a limit. */
  readonly levels: readonly number[];
}

/** How a customer stands in a pool. Quantities are decimal texts. */
export interface Standing extends LimitPool {
  readonly type: 'metered';
  readonly hasAccess: boolean;
  readonly used: string;
  /** What is left, never below zero; null is unlimited. */
  readonly balance: string | null;
  readonly overage: string;
}

/** What all subscriptions of a customer come to for one feature. */
export type Union =
  | Standing
  | { readonly type: 'boolean'; readonly hasAccess: true; readonly sources: readonly EntitlementSource[] }
  | {
      readonly type: 'static';
      readonly hasAccess: true;
      readonly sources: readonly EntitlementSource[];
      readonly value: string;
    };

/** The pools of the metered ones among them. */
export function limitPools(granted: readonly GrantedEntitlement[]): LimitPool[] {
  const metered = granted.filter(isMetered);
  return [...Map.groupBy(metered, ({ window }) => window.toMs).values()].map((together) => {
    const limits = together.map(({ entitlement }) => entitlement.limit);
    const limit = limits.includes(null)
      ? null
      : formatDecimal(limits.reduce((sum, each) => add(sum, decimal(each ?? '0')), ZERO));
    const warnings = together.flatMap(({ entitlement }) => entitlement.warnAtPercent ?? []);
    return {
      sources: together.map(({ source }) => source),
      fromMs: Math.min(...together.map(({ window }) => window.fromMs)),
      toMs: Math.max(...together.map(({ window }) => window.toMs)),
      limit,
      softLimit: together.some(({ entitlement }) => entitlement.softLimit === true),
      levels: limit === null ? [] : [...new Set([...warnings, 100])].sort((one, other) => one - other),
    };
  });
}

/** A hard limit that is reached is the end of access. */
export function standingIn(pool: LimitPool, used: string): Standing {
  if (pool.limit === null) return { ...pool, type: 'metered', hasAccess: true, used, balance: null, overage: '0' };
  const left = subtract(decimal(pool.limit), decimal(used));
  const isBeyond = isNegative(left);
  return {
    ...pool,
    type: 'metered',
    hasAccess: pool.softLimit || compare(left, ZERO) > 0,
    used,
    balance: isBeyond ? '0' : formatDecimal(left),
    overage: isBeyond ? formatDecimal(subtract(ZERO, left)) : '0',
  };
}

/** Levels that usage has reached (one that is just met is reached), lowest first. No usage reaches nothing, also of a limit of zero. */
export function reachedLevels({ limit, levels, used }: Standing): number[] {
  if (limit === null || compare(decimal(used), ZERO) <= 0) return [];
  const share = multiply(decimal(used), decimal('100'));
  return levels.filter((percent) => compare(share, multiply(decimal(limit), decimal(String(percent)))) >= 0);
}

/**
 * The most that any of them allows. Whatever allows without a limit comes first: a static value (of the youngest subscription), else a plain yes; else
 * the pool with access, and of those the one with most left. `granted` is not empty, oldest subscription first, and `standings` are those of its pools.
 */
export function unionOf(granted: readonly GrantedEntitlement[], standings: readonly Standing[]): Union {
  const youngest = granted.findLast(({ entitlement }) => entitlement.type === 'static');
  if (youngest?.entitlement.type === 'static')
    return { type: 'static', hasAccess: true, sources: [youngest.source], value: youngest.entitlement.value };
  const [best] = standings.toSorted(byGenerosity);
  const plain = granted.filter(({ entitlement }) => entitlement.type === 'boolean');
  if (plain.length > 0 || best === undefined)
    return { type: 'boolean', hasAccess: true, sources: plain.map(({ source }) => source) };
  return best;
}

function byGenerosity(one: Standing, other: Standing): number {
  if (one.hasAccess !== other.hasAccess) return one.hasAccess ? -1 : 1;
  if (one.balance === null || other.balance === null) return Number(other.balance === null) - Number(one.balance === null);
  return compare(decimal(other.balance), decimal(one.balance));
}

function isMetered(granted: GrantedEntitlement): granted is GrantedEntitlement<MeteredEntitlement> {
  return granted.entitlement.type === 'metered';
}
