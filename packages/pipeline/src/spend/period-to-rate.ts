import type { InvoicePolicy } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
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
  /** Prices as known with the price changes of the plan version up to this one; 0: as the version was made. */
  readonly priceRevision: number;
  /** As the plan version was made. */
  readonly rateCards: readonly RateCard[];
  readonly period: Pick<BillingPeriod, 'index' | 'fromMs' | 'toMs' | 'days' | 'daysInPeriod' | 'sharing'>;
  /** The rules it is rated by: those of its invoice. */
  readonly policy: Pick<InvoicePolicy, 'version'>;
  /** Whether the subscription has a commitment. */
  readonly committed: boolean;
  /** What came into it of its allowances; absent: nothing. A period that it comes after is rated in the same call. */
  readonly carried?: CarriedFrom<PeriodToRate> | undefined;
  /** How prepaid grants pay for it; absent: not at all. */
  readonly prepaid?: PeriodPrepaid | undefined;
}
