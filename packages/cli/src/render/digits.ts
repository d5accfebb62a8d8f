/** `22361870.5` -> `22,361,870.5`. Text in, text out: no digit is lost. */
export function groupDigits(decimal: string): string {
  const [whole = '', fraction] = decimal.split('.');
  const grouped = whole.replace(/\d(?=(?:\d{3})+$)/g, '$&,');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** Groups the digits of every number in a sentence. */
export function groupNumbers(text: string): string {
  return text.replace(/(?<![\w.,-])\d{4,}(?:\.\d+)?(?![\w-])/g, groupDigits);
}

/** How many digits stand behind the point. */
export function decimalsOf(decimal: string): number {
  return decimal.split('.')[1]?.length ?? 0;
}

/** `10` -> `10.00`: zeros up to so many decimals, never fewer digits than there were. */
export function withDecimals(decimal: string, decimals: number): string {
  const missing = decimals - decimalsOf(decimal);
  if (missing <= 0) return decimal;
  return `${decimal}${decimal.includes('.') ? '' : '.'}${'0'.repeat(missing)}`;
}
