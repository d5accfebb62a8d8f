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
