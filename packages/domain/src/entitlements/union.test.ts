import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { add, compare, decimal, formatDecimal, subtract, ZERO } from '../money/index.ts';
import { type Entitlement, type GrantedEntitlement, limitPools, reachedLevels, standingIn, unionOf } from './index.ts';

const DAY = { fromMs: 0, toMs: 86_400_000 };
const MONTH = { fromMs: 0, toMs: 31 * 86_400_000 };

const granted = (subscription: string, entitlement: Entitlement, window = MONTH): GrantedEntitlement => ({
  source: { subscription, plan: 'pro', version: 1 },
  entitlement,
  window,
});
const metered = (limit: string | null, more: object = {}): Entitlement => ({ type: 'metered', limit, ...more });
/** The union when as much was used in every pool. */
const unionAt = (used: string, ...all: GrantedEntitlement[]) => unionOf(all, limitPools(all).map((pool) => standingIn(pool, used))); // prettier-ignore

describe('one metered entitlement', () => {
  test('is open below its limit and shut when it is reached; beyond it there is no balance but an overage', () => {
    const at = (used: string) => unionAt(used, granted('a', metered('100.5')));
    expect(at('100.4')).toMatchObject({ hasAccess: true, balance: '0.1', overage: '0' });
    expect(at('100.5')).toMatchObject({ hasAccess: false, balance: '0', overage: '0' });
    expect(at('101')).toMatchObject({ hasAccess: false, balance: '0', overage: '0.5' });
  });

  test('with a soft limit stays open beyond it, and without a limit always', () => {
    expect(unionAt('150', granted('a', metered('100', { softLimit: true })))).toMatchObject({ hasAccess: true, overage: '50' });
    expect(unionAt('1e15', granted('a', metered(null)))).toMatchObject({ hasAccess: true, limit: null, balance: null });
  });

  test('with a limit of zero is shut from the start', () => {
    expect(unionAt('0', granted('a', metered('0')))).toMatchObject({ hasAccess: false, balance: '0', overage: '0' });
  });
});

describe('several subscriptions', () => {
  test('limits that reset together add up, from the earliest beginning on, and are soft if any of them is', () => {
    const later = { fromMs: 14 * 86_400_000, toMs: MONTH.toMs };
    const all = [granted('a', metered('100', { warnAtPercent: [80] })), granted('b', metered('50.5', { softLimit: true, warnAtPercent: [50] }), later)]; // prettier-ignore
    expect(limitPools(all)).toEqual([
      { ...MONTH, sources: all.map(({ source }) => source), limit: '150.5', softLimit: true, levels: [50, 80, 100] },
    ]);
  });

  test('an unlimited one makes them unlimited', () => {
    expect(unionAt('500', granted('a', metered('100')), granted('b', metered(null)))).toMatchObject({
      hasAccess: true,
      limit: null,
    });
  });

  test('of limits that reset at different times the one with access and most left counts', () => {
    const [day, month] = [granted('day', metered('10'), DAY), granted('month', metered('1000'))];
    const pools = limitPools([day, month]);
    const union = (inDay: string, inMonth: string) =>
      unionOf([day, month], pools.map((pool) => standingIn(pool, pool.toMs === DAY.toMs ? inDay : inMonth))); // prettier-ignore
    expect(union('3', '20')).toMatchObject({ limit: '1000', balance: '980' });
    expect(union('3', '995')).toMatchObject({ limit: '10', balance: '7' });
    expect(union('10', '1010')).toMatchObject({ hasAccess: false });
  });

  test('a plain yes is more than any limit, a static value tells more than a yes, and the youngest value counts', () => {
    const limited = granted('a', metered('1'));
    const yes = granted('b', { type: 'boolean' });
    const older = granted('c', { type: 'static', value: '1' });
    const younger = granted('d', { type: 'static', value: '2' });
    expect(unionAt('5', limited, yes)).toEqual({ type: 'boolean', hasAccess: true, sources: [yes.source] });
    expect(unionAt('5', limited, older, younger, yes)).toEqual({
      type: 'static',
      hasAccess: true,
      sources: [younger.source],
      value: '2',
    });
  });
});

describe('levels', () => {
  const levels = (limit: string | null, used: string, warnAtPercent: number[] = [80, 50]) =>
    limitPools([granted('a', metered(limit, { warnAtPercent }))]).flatMap((pool) => reachedLevels(standingIn(pool, used)));

  test('are reached when usage just meets them, lowest first, the limit itself always among them', () => {
    expect(levels('10', '4.999999999999')).toEqual([]);
    expect(levels('10', '5')).toEqual([50]);
    expect(levels('10', '8')).toEqual([50, 80]);
    expect(levels('10', '10', [])).toEqual([100]);
    expect(levels('10', '25', [200, 300])).toEqual([100, 200]);
  });

  test('no usage reaches none, also of a limit of zero; unlimited usage never does', () => {
    expect(levels('0', '0')).toEqual([]);
    expect(levels('0', '0.1')).toEqual([50, 80, 100]);
    expect(limitPools([granted('a', metered(null))])[0]?.levels).toEqual([]);
  });
});

test('for any limits and usage: balance less overage is limit less usage, and a hard limit is open exactly while something is left', () => {
  const quantity = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.integer({ min: 0, max: 6 }))
    .map(([units, scale]) => formatDecimal({ units, scale }));
  const property = fc.property(fc.array(quantity, { minLength: 1, maxLength: 4 }), quantity, (limits, used) => {
    const union = unionAt(used, ...limits.map((limit, index) => granted(String(index), metered(limit))));
    if (union.type !== 'metered') throw new Error(union.type);
    const limit = limits.reduce((sum, each) => add(sum, decimal(each)), ZERO);
    expect(compare(decimal(union.limit ?? ''), limit)).toBe(0);
    const left = subtract(decimal(union.balance ?? ''), decimal(union.overage));
    expect(compare(left, subtract(limit, decimal(used)))).toBe(0);
    expect(union.hasAccess).toBe(compare(limit, decimal(used)) > 0);
  });
  fc.assert(property);
});
