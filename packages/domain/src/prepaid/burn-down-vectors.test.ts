import { expect, test } from 'vitest';
import { followed } from '../../../../test/support/lifecycle-vectors.ts';
import { add, decimal, formatDecimal, max, subtract, ZERO } from '../money/index.ts';
import { coveredQuantity } from './statement.ts';
import { carriedOver } from './carry-over.ts';
import { accountOf, draw, pack } from './prepaid.fixture.ts';

interface BurnDown {
  readonly id: string;
  readonly kind: string;
  readonly startBalances: Readonly<Record<string, string>>;
  readonly grants: readonly {
    readonly id: string;
    readonly amount: string;
    readonly priority: number;
    readonly effectiveAt: string;
    readonly expiresAt: string;
    readonly maxRollover?: string;
    readonly minRollover?: string;
  }[];
  readonly usage: readonly { readonly amount: string; readonly at: string }[];
  readonly resets?: readonly string[];
  readonly preserveOverage?: boolean;
  readonly expected: { readonly balances: Readonly<Record<string, string>>; readonly overage?: string };
}

const cases = followed<BurnDown>('credit_burndown');

test('every kind of burn-down is there', () => expect(cases.length).toBe(5));

test.each(cases)('$id', ({ grants, startBalances, usage, resets = [], preserveOverage, expected }) => {
  const terms = (grant: BurnDown['grants'][number], amount: string) =>
    pack(grant.id, amount, {
      priority: grant.priority,
      effectiveAtMs: Date.parse(grant.effectiveAt),
      expiresAtMs: Date.parse(grant.expiresAt),
    });
  let account = accountOf(grants.map((grant) => terms(grant, startBalances[grant.id] ?? '0')));
  const burn = (amount: string, at: string) => {
    const wanted = decimal(amount);
    const slice = { fromMs: Date.parse(at), toMs: Date.parse(at) + 60_000, cell: {}, quantity: wanted };
    return subtract(wanted, coveredQuantity(draw(account, [slice])));
  };
  let overage = ZERO;
  const moments = [...usage.map(({ at }) => at), ...resets].toSorted();
  for (const at of moments) {
    for (const each of usage) if (each.at === at) overage = add(overage, burn(each.amount, at));
    if (!resets.includes(at)) continue;
    // A period ends: of each grant goes on what may be carried over, and no less than the least it promises, as a top-up.
    const left = new Map(account.balances().map(({ grant, balance }) => [grant.id, balance]));
    const renewed = grants.map((grant) => {
      const carried = carriedOver(left.get(grant.id) ?? ZERO, { percent: '100', maximum: grant.maxRollover ?? null });
      return terms(grant, formatDecimal(max(carried, decimal(grant.minRollover ?? '0'))));
    });
    account = accountOf(renewed);
    overage = preserveOverage === true ? burn(formatDecimal(overage), at) : ZERO;
  }
  const balances = Object.fromEntries(account.balances().map(({ grant, balance }) => [grant.id, formatDecimal(balance)]));
  expect(balances).toEqual(expected.balances);
  expect(formatDecimal(overage)).toBe(expected.overage ?? '0');
});
