import type { Tier } from '@meterline/domain/prices';
import type { MeteredUsage } from '@meterline/domain/rating';

// What nothing exact can be faster than: the quantity read, multiplied and added in plain bigints with 12 decimals, rounded to cents
// once, no lines, no general rules.

const UNIT = 10n ** 12n;
const CENT = 10n ** 22n;

function read(text: string): bigint {
  const point = text.indexOf('.');
  if (point === -1) return BigInt(text) * UNIT;
  return BigInt(text.slice(0, point) + text.slice(point + 1).padEnd(12, '0'));
}

function cents(amount: bigint): bigint {
  return (amount + CENT / 2n) / CENT;
}

function readTiers(tiers: readonly Tier[]) {
  return tiers.map(({ upTo, unitAmount, flatAmount }, index) => ({
    lower: read(tiers[index - 1]?.upTo ?? '0'),
    upper: upTo === null ? null : read(upTo),
    price: read(unitAmount),
    fee: read(flatAmount ?? '0') * UNIT,
  }));
}

export function plainUnits(unitAmount: string) {
  const price = read(unitAmount);
  return ({ quantity }: MeteredUsage) => cents(read(quantity) * price);
}

export function plainTiers(list: readonly Tier[]) {
  const tiers = readTiers(list);
  return ({ quantity }: MeteredUsage) => {
    const units = read(quantity);
    let amount = 0n;
    for (const { lower, upper, price, fee } of tiers) {
      if (units <= lower) break;
      amount += ((upper === null || units < upper ? units : upper) - lower) * price + fee;
    }
    return cents(amount);
  };
}

export function plainVolume(list: readonly Tier[]) {
  const tiers = readTiers(list);
  return ({ quantity }: MeteredUsage) => {
    const units = read(quantity);
    const tier = tiers.find(({ upper }) => upper === null || units <= upper);
    return tier ? cents(units * tier.price + tier.fee) : 0n;
  };
}

export function plainBlocks(packageSize: string, packageAmount: string) {
  const [size, price] = [read(packageSize), read(packageAmount)];
  return ({ quantity }: MeteredUsage) => cents(((read(quantity) + size - 1n) / size) * price * UNIT);
}

export function plainMatrix(unitAmounts: readonly string[]) {
  const prices = unitAmounts.map(read);
  const priceOf = (media: string | undefined, resolution: string | undefined) =>
    (media === 'audio' ? prices[0] : resolution === '2k' ? prices[2] : prices[1]) ?? 0n;
  return ({ groups = [] }: MeteredUsage) => {
    let amount = 0n;
    for (const { dimensions, quantity } of groups)
      amount += read(quantity) * priceOf(dimensions['media'], dimensions['resolution']);
    return cents(amount);
  };
}
