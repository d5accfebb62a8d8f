import type { RoundingMode } from '@meterline/domain/money';

/**
 * A fraction in lowest terms, the denominator above zero: the arithmetic of the oracle, which shares none with the product. Slow and
 * plain on purpose.
 */
export class Rational {
  static readonly ZERO = new Rational(0n, 1n);
  static readonly ONE = new Rational(1n, 1n);
  readonly top: bigint;
  readonly bottom: bigint;

  private constructor(top: bigint, bottom: bigint) {
    this.top = top;
    this.bottom = bottom;
  }

  static of(top: bigint | number, bottom: bigint | number = 1n): Rational {
    let [a, b] = [BigInt(top), BigInt(bottom)];
    if (b === 0n) throw new RangeError('no fraction of zero parts');
    if (b < 0n) [a, b] = [-a, -b];
    let [x, y] = [a < 0n ? -a : a, b];
    while (y > 0n) [x, y] = [y, x % y];
    return new Rational(a / x, b / x);
  }

  /** Reads `-12.50`. */
  static parse(text: string): Rational {
    const [whole = '', fraction = ''] = text.replace('-', '').split('.');
    const size = Rational.of(BigInt(whole + fraction), 10n ** BigInt(fraction.length));
    return text.startsWith('-') ? size.negated() : size;
  }

  static sum(terms: Iterable<Rational>): Rational {
    let sum = Rational.ZERO;
    for (const term of terms) sum = sum.plus(term);
    return sum;
  }

  plus(other: Rational): Rational {
    return Rational.of(this.top * other.bottom + other.top * this.bottom, this.bottom * other.bottom);
  }

  minus(other: Rational): Rational {
    return this.plus(other.negated());
  }

  times(other: Rational): Rational {
    return Rational.of(this.top * other.top, this.bottom * other.bottom);
  }

  over(other: Rational): Rational {
    return Rational.of(this.top * other.bottom, this.bottom * other.top);
  }

  negated(): Rational {
    return new Rational(-this.top, this.bottom);
  }

  /** Below zero, zero or above zero as `this` is below, equal to or above `other`. */
  comparedTo(other: Rational): number {
    const difference = this.top * other.bottom - other.top * this.bottom;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }

  equals(other: Rational): boolean {
    return this.comparedTo(other) === 0;
  }

  isAbove(other: Rational): boolean {
    return this.comparedTo(other) > 0;
  }

  isZero(): boolean {
    return this.top === 0n;
  }

  least(other: Rational): Rational {
    return this.isAbove(other) ? other : this;
  }

  most(other: Rational): Rational {
    return this.isAbove(other) ? this : other;
  }

  /** The multiple of 10^-places that rounding by `mode` gives: one of the two that it lies between. */
  rounded(places: number, mode: RoundingMode): Rational {
    const unit = places < 0 ? Rational.of(10n ** BigInt(-places)) : Rational.of(1n, 10n ** BigInt(places));
    const units = this.over(unit);
    const down = units.top / units.bottom - (units.top < 0n && units.top % units.bottom !== 0n ? 1n : 0n);
    const below = Rational.of(down).times(unit);
    if (below.equals(this)) return below;
    const above = below.plus(unit);
    const [inner, outer] = this.isAbove(Rational.ZERO) ? [below, above] : [above, below];
    const nearer = this.minus(below).comparedTo(above.minus(this));
    switch (mode) {
      case 'floor':
        return below;
      case 'ceiling':
        return above;
      case 'down':
        return inner;
      case 'up':
        return outer;
      case 'half_up':
        return nearer === 0 ? outer : nearer < 0 ? below : above;
      case 'half_even':
        return nearer === 0 ? (down % 2n === 0n ? below : above) : nearer < 0 ? below : above;
    }
  }

  /** All its digits; of an expansion that never ends, those of 18 places. */
  toText(): string {
    const places = placesOf(this.bottom) ?? 18;
    const shown = this.rounded(places, 'half_up');
    const digits = ((shown.top < 0n ? -shown.top : shown.top) * 10n ** BigInt(places)) / shown.bottom;
    const padded = digits.toString().padStart(places + 1, '0');
    const point = padded.length - places;
    const text = places === 0 ? padded : `${padded.slice(0, point)}.${padded.slice(point)}`.replace(/\.?0+$/, '');
    return shown.top < 0n ? `-${text}` : text;
  }
}

/** Digits behind the point of a fraction with this denominator; undefined where they never end. */
function placesOf(bottom: bigint): number | undefined {
  let [rest, twos, fives] = [bottom, 0, 0];
  for (; rest % 2n === 0n; rest /= 2n) twos += 1;
  for (; rest % 5n === 0n; rest /= 5n) fives += 1;
  return rest === 1n ? Math.max(twos, fives) : undefined;
}
