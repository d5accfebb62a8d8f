import type { EntitlementSource, Union } from '@meterline/domain/entitlements';
import { formatInstant } from '@meterline/domain/time';
import type { FeatureRecord } from '../ports/index.ts';
import type { CustomerEntitlements } from './entitlements-at.ts';

/** What a customer may use of a feature, as the API and the cache have it. Quantities are decimal texts. */
export interface EntitlementAnswer {
  readonly feature: string;
  readonly name: string;
  readonly hasAccess: boolean;
  /** Null: nothing entitles the customer to it. */
  readonly type: Union['type'] | null;
  readonly limit: string | null;
  readonly softLimit: boolean;
  readonly used: string | null;
  readonly balance: string | null;
  readonly overage: string | null;
  readonly period: { readonly from: string; readonly to: string } | null;
  readonly resetsAt: string | null;
  readonly value: string | null;
  readonly source: EntitlementSource | null;
  readonly sources: readonly EntitlementSource[];
}

export interface EntitlementsAnswer {
  readonly customer: string;
  readonly asOf: { readonly cut: readonly number[]; readonly at: string };
  readonly items: readonly EntitlementAnswer[];
}

export function answerOf({ account, cut, atMs, standings }: CustomerEntitlements): EntitlementsAnswer {
  return {
    customer: account.key,
    asOf: { cut, at: formatInstant(atMs) },
    items: standings.map(({ feature, union }) => itemOf(feature, union)),
  };
}

/** A feature that no subscription gives. */
export function notEntitled({ key, name }: FeatureRecord): EntitlementAnswer {
  const nothing = { limit: null, softLimit: false, used: null, balance: null, overage: null } as const;
  const nowhere = { period: null, resetsAt: null, value: null, source: null, sources: [] } as const;
  return { feature: key, name, hasAccess: false, type: null, ...nothing, ...nowhere };
}

function itemOf(feature: FeatureRecord, union: Union): EntitlementAnswer {
  const { type, hasAccess, sources } = union;
  const entitled = { ...notEntitled(feature), hasAccess, type, source: sources[0] ?? null, sources };
  if (union.type === 'boolean') return entitled;
  if (union.type === 'static') return { ...entitled, value: union.value };
  const { limit, softLimit, used, balance, overage } = union;
  const period = { from: formatInstant(union.fromMs), to: formatInstant(union.toMs) };
  return { ...entitled, limit, softLimit, used, balance, overage, period, resetsAt: period.to };
}
