import { decimal, formatDecimal, isZero, multiply } from '../money/index.ts';
import type { Entitlement } from './entitlement.ts';

/** What so many of an add-on allow together: limits as many times; undefined: none of it, so nothing. */
export function timesAllowed(entitlement: Entitlement, quantity: string): Entitlement | undefined {
  const count = decimal(quantity);
  if (isZero(count)) return undefined;
  if (entitlement.type !== 'metered' || entitlement.limit === null) return entitlement;
  return { ...entitlement, limit: formatDecimal(multiply(decimal(entitlement.limit), count)) };
}
