import type { InvoicePolicy } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import type { ChangeFee } from '@meterline/domain/stages';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import type { KnownNegotiations, PricedPhase, QuantitiesFrom } from '../ports/index.ts';
import type { PeriodPrepaid } from '../prepaid/index.ts';
import type { CarriedFrom } from './carried-units.ts';

/** The rate cards of one subscription over one billing period. */
export interface PeriodToRate {
  readonly subjects: readonly string[];
  readonly currency: string;
  /** The customer's: its days are counted in it, and meters fold their windows in it. */
  readonly timezone: string;
  readonly plan: string;
  readonly planVersion: number;
  /** Absent or null: behind the phases of the plan version. */
  readonly phase?: PricedPhase | null | undefined;
  /** Prices as known with the price changes of the plan version up to this one; 0: as the version was made. */
  readonly priceRevision: number;
  readonly negotiated: KnownNegotiations;
  /** As the plan version was made, for the phase. */
  readonly rateCards: readonly RateCard[];
  readonly period: Pick<BillingPeriod, 'index' | 'fromMs' | 'toMs' | 'days' | 'daysInPeriod' | 'sharing'>;
  /** How many of its fees there are, in order; absent: one of each. */
  readonly quantities?: readonly QuantitiesFrom[] | undefined;
  /** For changes of the subscription, due in this period. */
  readonly changeFees?: readonly ChangeFee[] | undefined;
  /** The rules it is rated by: those of its invoice. */
  readonly policy: Pick<InvoicePolicy, 'version'>;
  /** Whether the subscription has a commitment. */
  readonly committed: boolean;
  /** Of an interim invoice, as the period goes on: usage before this instant, cards without their minimum, allowances that leave nothing over yet. */
  readonly usageToMs?: number | undefined;
  /** What came into it of its allowances; absent: nothing. A period that it comes after is rated in the same call. */
  readonly carried?: CarriedFrom<PeriodToRate> | undefined;
  /** How prepaid grants pay for it; absent: not at all. */
  readonly prepaid?: PeriodPrepaid | undefined;
}

/**
 * What a period takes over from the one `before` it: of allowances nothing goes on to another plan version or phase, or over time that the subscription
 * rests.
 */
export function carriedAfter(
  before: PeriodToRate,
  { plan, planVersion, phase, period }: PeriodToRate,
): CarriedFrom<PeriodToRate> | undefined {
  const isSame = before.plan === plan && before.planVersion === planVersion && before.phase?.key === phase?.key;
  const goesOn = isSame && before.period.toMs === period.fromMs;
  return goesOn ? { after: before } : undefined;
}
