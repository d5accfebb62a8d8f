import { expect, test } from 'vitest';
import { CASES, followed } from '../../../../test/support/lifecycle-vectors.ts';
import { decimal, formatDecimal, type RoundingMode } from '../money/index.ts';
import { evaluatePrice } from './index.ts';

interface LifecycleCase {
  readonly id: string;
  readonly kind: string;
}

interface Proration {
  readonly amount: string;
  readonly currency: string;
  readonly enabled: boolean;
  readonly servicePeriod: { readonly from: string; readonly to: string };
  readonly fullServicePeriod: { readonly from: string; readonly to: string };
  readonly expected: { readonly total: string };
}

const wholeDays = ({ from, to }: Proration['servicePeriod']) => Math.floor((Date.parse(to) - Date.parse(from)) / 86_400_000);

test.each(followed<LifecycleCase & Proration>('flat_proration'))('$id: a flat fee by whole days', (vector) => {
  const daysInPeriod = wholeDays(vector.fullServicePeriod);
  const evaluation = evaluatePrice({
    currency: vector.currency,
    price: { model: 'flat', amount: vector.amount },
    quantity: '0',
    prorationNumerator: vector.enabled ? wholeDays(vector.servicePeriod) : daysInPeriod,
    prorationDenominator: daysInPeriod,
  });
  expect(formatDecimal(decimal(evaluation.total))).toBe(vector.expected.total);
});

test('a minimum of one charge is due for its days, as lagop-min-002 says', () => {
  const vector = CASES.find(({ id }) => id === 'lagop-min-002') as unknown as {
    expect: { kind: string; amountCents: string; calc?: string }[];
  };
  const usage = vector.expect.filter(({ kind }) => kind === 'usage_fee').map(({ amountCents }) => BigInt(amountCents));
  const spent = formatDecimal({ units: usage.reduce((sum, cents) => sum + cents, 0n), scale: 2 });
  const dynamic = { model: 'dynamic', multiplier: '1' } as const;
  const days = { prorationNumerator: 25, prorationDenominator: 28, sharesLimits: true };
  const { charges } = evaluatePrice({
    currency: 'USD',
    price: dynamic,
    modifiers: { minimumSpend: '100.00' },
    quantity: spent,
    ...days,
  });
  // 100.00 * 25 / 28 - 70.00
  expect(decimal(charges).units).toBe(BigInt(vector.expect.find(({ kind }) => kind === 'true_up')?.amountCents ?? ''));
});

interface UnitRounding {
  readonly properties: { readonly function: 'round' | 'ceil' | 'floor'; readonly precision: number | null };
  readonly units: string;
  readonly expected: { readonly units: string };
}
const MODES: Record<UnitRounding['properties']['function'], RoundingMode> = { round: 'half_up', ceil: 'ceiling', floor: 'floor' };

test.each(followed<LifecycleCase & UnitRounding>('unit_rounding'))(
  '$id: units rounded before they are priced',
  ({ properties, units, expected }) => {
    const rounding = { mode: MODES[properties.function], decimals: properties.precision ?? 0 };
    const { exactAmount } = evaluatePrice({
      currency: 'USD',
      price: { model: 'per_unit', unitAmount: '1' },
      modifiers: { unitConversion: { operation: 'multiply', factor: '1', rounding } },
      quantity: units,
    });
    expect(exactAmount).toBe(expected.units);
  },
);

interface DayShare {
  readonly amountCents: string;
  readonly baseCents: string;
  readonly days: string;
  readonly daysInPeriod: string;
}

/** Everything in the vectors that states a fee by days, wherever it stands. */
function dayShares(value: unknown): DayShare[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = ['amountCents', 'baseCents', 'days', 'daysInPeriod'].every((name) => name in value) ? [value as DayShare] : [];
  return [...own, ...Object.values(value).flatMap(dayShares)];
}
const shares = CASES.flatMap((each) => dayShares(each).map((share) => ({ id: each.id, ...share })));

test('fees by days are stated often enough to mean something', () => {
  expect(shares.length).toBeGreaterThan(40);
});

test.each(shares)(
  '$id: $baseCents for $days of $daysInPeriod days is $amountCents',
  ({ baseCents, amountCents, days, daysInPeriod }) => {
    const fee = formatDecimal({ units: BigInt(baseCents), scale: 2 });
    const { total } = evaluatePrice({
      currency: 'USD',
      price: { model: 'flat', amount: fee },
      quantity: '0',
      prorationNumerator: parseInt(days, 10),
      prorationDenominator: parseInt(daysInPeriod, 10),
    });
    expect(decimal(total)).toEqual(decimal(formatDecimal({ units: BigInt(amountCents), scale: 2 })));
  },
);
