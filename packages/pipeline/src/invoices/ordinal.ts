/** Numbers of a tenant count its invoices in the order in which they were issued. */
export function ordinal(number: string): bigint {
  return BigInt(number.replace(/^\D+/, ''));
}
