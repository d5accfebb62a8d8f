import { compare, decimal, ZERO } from '../money/index.ts';
import { isLessValue } from './static-value.ts';
import type { Union } from './union.ts';

/** What all subscriptions of a customer allow of a feature. */
export interface FeatureUnion {
  readonly feature: { readonly key: string; readonly name: string };
  readonly union: Union;
}

/** The terms of a union, without what is used of them. */
export interface AllowedUse {
  readonly type: Union['type'];
  /** Decimal text; null: no limit. */
  readonly limit: string | null;
  readonly softLimit: boolean;
  /** When the period of the limit that goes on now begins anew; null without a limit. */
  readonly resetsAtMs: number | null;
  /** Of a static entitlement. */
  readonly value: string | null;
}

/** A feature that customers get, lose, or may use otherwise. */
export interface FeatureDifference {
  readonly feature: string;
  readonly name: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly before: AllowedUse | null;
  readonly after: AllowedUse | null;
  /** In the period of the limit to come, or of the one that is lost, so far; null where nothing is counted. */
  readonly used: string | null;
  /** Whether more is used already than will be allowed. */
  readonly exceeds: boolean;
  /** The same in words, where less is allowed than before. */
  readonly message: string | null;
}

/** What changes from one state of a customer's features to another, both worked out for the same instant; by the keys of the features. */
export function featureDifferences(before: readonly FeatureUnion[], after: readonly FeatureUnion[]): FeatureDifference[] {
  const [was, is] = [byKey(before), byKey(after)];
  const features = [...new Map([...was, ...is]).values()].toSorted((one, other) =>
    one.feature.key < other.feature.key ? -1 : 1,
  );
  return features.flatMap(({ feature: { key, name } }) => {
    const [from, to] = [was.get(key)?.union, is.get(key)?.union];
    const terms = { before: allowedBy(from), after: allowedBy(to) };
    if (JSON.stringify(terms.before) === JSON.stringify(terms.after)) return [];
    const change = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed';
    const used = usedOf(to ?? from);
    const exceeds = used !== null && isMore(used, to === undefined ? '0' : terms.after?.limit);
    const message = isLess(terms.before, terms.after) ? `${name}: ${lossOf(terms.before, terms.after, used)}` : null;
    return [{ feature: key, name, change, ...terms, used, exceeds, message }];
  });
}

function byKey(unions: readonly FeatureUnion[]): Map<string, FeatureUnion> {
  return new Map(unions.map((each) => [each.feature.key, each]));
}

function allowedBy(union: Union | undefined): AllowedUse | null {
  if (union === undefined) return null;
  const { type } = union;
  const unlimited = { type, limit: null, softLimit: false, resetsAtMs: null, value: null };
  if (type === 'static') return { ...unlimited, value: union.value };
  if (type === 'boolean' || union.limit === null) return unlimited;
  return { ...unlimited, limit: union.limit, softLimit: union.softLimit, resetsAtMs: union.toMs };
}

function usedOf(union: Union | undefined): string | null {
  return union?.type === 'metered' ? union.used : null;
}

/** Whether use goes beyond a limit; null or undefined is none. */
function isMore(used: string, limit: string | null | undefined): boolean {
  return limit != null && compare(decimal(used), decimal(limit)) > 0;
}

/** Limits of different periods cannot be told apart so: the smaller number counts as less. */
function isLess(before: AllowedUse | null, after: AllowedUse | null): boolean {
  if (before === null) return false;
  if (after === null) return true;
  if (after.limit !== null)
    return hardens(before, after) || before.limit === null || compare(decimal(after.limit), decimal(before.limit)) < 0;
  return before.value !== null && (after.value === null || isLessValue(before.value, after.value));
}

/** Whether usage went on beyond a limit, and does not any more. */
function hardens(before: AllowedUse, after: AllowedUse): boolean {
  return before.softLimit && !after.softLimit && after.limit !== null;
}

function lossOf(before: AllowedUse | null, after: AllowedUse | null, used: string | null): string {
  if (after === null)
    return used !== null && compare(decimal(used), ZERO) > 0
      ? `you use ${used}, and will have none`
      : 'you will not have it any more';
  if (after.limit === null) return `you will have ${after.value ?? 'it without a value'} (${before?.value ?? ''} before)`;
  const beyond = before !== null && hardens(before, after) ? ', and nothing goes beyond any more' : '';
  return `you use ${used ?? '0'} of ${after.limit} (${before?.limit ?? 'without limit'} before)${beyond}`;
}
