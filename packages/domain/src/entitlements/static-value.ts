import { compare, decimal } from '../money/index.ts';

/**
 * Whether a static value allows less than another one: a number that is smaller, a list that misses something, false in place of true. Of other values
 * nobody can tell, so each change of them may be a loss. Both are JSON texts.
 */
export function isLessValue(before: string, after: string): boolean {
  if (isNumber(before) && isNumber(after)) return compare(decimal(after.trim()), decimal(before.trim())) < 0;
  const was: unknown = JSON.parse(before);
  const is: unknown = JSON.parse(after);
  if (typeof was === 'boolean' && typeof is === 'boolean') return was && !is;
  if (!Array.isArray(was) || !Array.isArray(is)) return true;
  const kept = new Set(is.map((item) => JSON.stringify(item)));
  return was.some((item) => !kept.has(JSON.stringify(item)));
}

/** Within what a decimal reads: numbers beyond are compared as changed. */
function isNumber(json: string): boolean {
  return /^-?\d{1,100}(\.\d{1,50})?([eE][+-]?\d{1,2})?$/.test(json.trim());
}
