export { currencyExponent, formatMoney, isCurrency } from './currency.ts';
export {
  add,
  compare,
  decimal,
  formatDecimal,
  isNegative,
  isZero,
  max,
  min,
  multiply,
  negate,
  powerOfTen,
  roundDecimal,
  subtract,
  ZERO,
  type Decimal,
} from './decimal.ts';
export { ROUNDING_MODES, type RoundingMode } from './rounding.ts';
export { allocate, prorate, roundTogether } from './shares.ts';
