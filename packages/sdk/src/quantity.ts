/** Text is sent as it is and stays exact; a number is written out as the shortest decimal that reads back as the same number. */
export type Quantity = string | number | bigint;

/** Decimal text without exponent. Throws TypeError if `quantity` is not a decimal. */
export function decimalText(quantity: Quantity): string {
  if (typeof quantity === 'bigint') return quantity.toString();
  if (typeof quantity === 'string' && /^-?[0-9]+(\.[0-9]+)?$/.test(quantity)) return quantity;
  if (typeof quantity !== 'number' || !Number.isFinite(quantity)) throw new TypeError('a quantity must be a decimal like 12.5');
  const [mantissa = '', exponent] = String(quantity).split('e');
  return exponent === undefined ? mantissa : shiftPoint(mantissa, Number(exponent));
}

/** Writes out an exponent as numbers have it, above 20 or below -6: `shiftPoint('1.5', -7)` is `0.00000015`. */
function shiftPoint(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = mantissa.slice(sign.length).split('.');
  if (exponent > 0) return sign + whole + fraction.padEnd(exponent, '0');
  return `${sign}0.${'0'.repeat(-exponent - 1)}${whole}${fraction}`;
}
