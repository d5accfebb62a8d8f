import type { AlertRule } from '@meterline/domain/alerts';
import type { Commitment } from '@meterline/domain/commitments';
import type { EntitlementSource, PlanFeature } from '@meterline/domain/entitlements';
import type { InvoiceThresholds, StatedPhase, UnusedTime } from '@meterline/domain/invoices';
import type { Negotiation, PriceChange } from '@meterline/domain/price-versions';
import type { RateCard } from '@meterline/domain/prices';
import type { ChangeFee, Quantities } from '@meterline/domain/stages';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import type { PlanVersionKey } from './catalog-store.ts';
import type { Page, PageRequest } from './page.ts';
import type { PrepaidReader } from './prepaid-store.ts';
import type { Cut } from './segment-ledger.ts';

/**
 * Everything that the charges of a subscription depend on while it is under one plan version: one or more of its stages that follow on each other, in
 * one phase of it. Rate cards and features are those the plan version was made with for that phase.
 */
export interface SubscriptionTerms {
  /** Of the subscription, which may have other terms before and after. */
  readonly id: string;
  readonly plan: string;
  readonly planVersion: number;
  /** Of the newest price change of the plan version: prices as known up to it. */
  readonly priceRevision: number;
  /** Null behind the phases of the plan version. */
  readonly phase: PricedPhase | null;
  readonly currency: string;
  readonly cadence: BillingCadence;
  /** As in `SubscriptionSpan`, like the next five. */
  readonly startsAtMs: number;
  readonly endsAtMs: number | null;
  readonly untilMs: number | null;
  readonly anchorMs: number;
  readonly begins: boolean;
  readonly paysWhole: boolean;
  readonly rateCards: readonly RateCard[];
  readonly commitment: Commitment | null;
  readonly features: readonly PlanFeature[];
  /** What becomes of time that was paid in advance and lies after the end. */
  readonly unusedTime: UnusedTime;
  /** Amounts at which a billing period is invoiced so far; null: none. */
  readonly invoiceThresholds: InvoiceThresholds | null;
  /** In order; what holds before the first is one of each. */
  readonly quantities: readonly QuantitiesFrom[];
  readonly changeFees: readonly ChangeFeeAt[];
  /** Of the subscription when this was read. */
  readonly subscriptionVersion: number;
}

/** A phase, with the rate cards that it prices by itself: price changes do not reach them. */
export interface PricedPhase extends StatedPhase {
  readonly prices: readonly string[];
}

/** How many of which fee, from a local midnight on. */
export interface QuantitiesFrom {
  readonly fromMs: number;
  readonly of: Quantities;
}

/** Due on the invoice of the day that begins then. */
export interface ChangeFeeAt extends ChangeFee {
  readonly atMs: number;
}

/** A customer with the subjects attributed to it now and its subscriptions, oldest first: of each what it was, is and will be when it does not rest. */
export interface Account {
  readonly key: string;
  readonly name: string;
  readonly currency: string;
  readonly timezone: string;
  /** Sorted. */
  readonly subjects: readonly string[];
  readonly subscriptions: readonly SubscriptionTerms[];
  readonly negotiated: KnownNegotiations;
}

/** What was negotiated with a customer, as known up to a revision; 0: nothing. */
export interface KnownNegotiations {
  readonly customer: string;
  readonly revision: number;
}

/** Reads what rating needs to know. Unknown keys are left out of the answer. */
export interface AccountReader extends PrepaidReader {
  accounts(customers: readonly string[], tenant: string): Promise<Account[]>;
  /** What a plan version, or a phase of it, charges: it never changes. Fails if there is no such version or phase. */
  pricesOf(version: PlanVersionKey, phase: string | null, tenant: string): Promise<VersionPrices>;
  /** Price changes of a plan version up to a revision, in their order: the same for ever. */
  priceChanges(version: PlanVersionKey, revision: number, tenant: string): Promise<readonly PriceChange[]>;
  /** What was negotiated with each of the customers up to a revision, in its order: the same for ever. */
  negotiations(known: readonly KnownNegotiations[], tenant: string): Promise<ReadonlyMap<string, readonly Negotiation[]>>;
}

export interface VersionPrices {
  readonly rateCards: readonly RateCard[];
  readonly phase: PricedPhase | null;
  readonly invoiceThresholds: InvoiceThresholds | null;
  /** Of its newest price change so far, which alone is not for ever. */
  readonly priceRevision: number;
}

/** One row of `rating_wakeup`: written in the transaction that committed usage or changed the catalogue. */
export interface Wakeup {
  readonly id: string;
  readonly tenant: string;
  readonly subjects: readonly string[];
  readonly customers: readonly string[];
}

/** A customer and the live alert rules that look at it. */
export interface WatchedCustomer {
  readonly customer: string;
  readonly rules: readonly AlertRuleRecord[];
}

export interface AlertOccurrence {
  readonly id: string;
  readonly rule: string;
  readonly customer: string;
  readonly periodFromMs: number;
  readonly periodToMs: number;
  /** As written in the rule: `50.00` or `80%`. */
  readonly threshold: string;
  /** The threshold in money. Decimal text, like `spend` and `budget`. */
  readonly thresholdAmount: string;
  readonly budget: string | null;
  readonly spend: string;
  readonly currency: string;
  readonly cut: Cut;
  readonly triggeredAtMs: number;
}

/** A level of a metered entitlement that usage reached: as an alert fires, once for each customer, period, limit and level. */
export interface EntitlementOccurrence {
  readonly id: string;
  readonly customer: string;
  readonly feature: string;
  readonly periodFromMs: number;
  readonly periodToMs: number;
  /** Of the limit; 100 is the limit itself. */
  readonly percent: number;
  /** Decimal text, like `used`, `balance` and `overage`. */
  readonly limit: string;
  readonly used: string;
  readonly balance: string;
  readonly overage: string;
  /** Whether the customer may still use the feature, by this or by another entitlement. */
  readonly hasAccess: boolean;
  readonly sources: readonly EntitlementSource[];
  readonly cut: Cut;
  readonly triggeredAtMs: number;
}

/** What rating finds to be told. */
export type Occurrence = AlertOccurrence | EntitlementOccurrence;

/** A level that fired: the identity of an occurrence within its tenant. */
export type FiredLevel = Pick<AlertOccurrence, 'rule' | 'customer' | 'periodFromMs' | 'threshold'>;

export interface WakeupStore {
  /** The oldest waiting rows, leaving out those of `exceptTenants`. */
  waiting(limit: number, exceptTenants: readonly string[]): Promise<Wakeup[]>;
  /** How many rows wait, and since when the oldest does. */
  backlog(): Promise<{ readonly rows: number; readonly oldestAgeMs: number }>;
  /** Customers with a live rule (their own, or of a plan they are subscribed to) among these and the owners of these subjects. */
  watched(subjects: readonly string[], customers: readonly string[], tenant: string): Promise<WatchedCustomer[]>;
  /** Of these and the owners of these subjects, the customers whose entitlements may have changed: none where the tenant has no features. */
  entitled(subjects: readonly string[], customers: readonly string[], tenant: string): Promise<string[]>;
  /** Of these and the owners of these subjects, the customers that are or were under a plan version with levels at which it invoices. */
  invoicedByThreshold(subjects: readonly string[], customers: readonly string[], tenant: string): Promise<string[]>;
  /** Levels of these rules that fired for these customers in periods ending after `sinceMs`. */
  fired(rules: readonly string[], customers: readonly string[], sinceMs: number, tenant: string): Promise<FiredLevel[]>;
  /**
   * In one transaction: keeps each occurrence that is new (with its webhook message) and forgets exactly the rows `consumed`.
   * Answers those that were new.
   */
  conclude(occurrences: readonly Occurrence[], consumed: readonly string[], tenant: string): Promise<Occurrence[]>;
}

export interface AlertRuleStore {
  /** Also wakes rating for everyone the rule looks at. Answers why not if it cannot be. */
  insert(rule: AlertRule, nowMs: number, tenant: string): Promise<'inserted' | 'key_taken' | 'customer_unknown' | 'plan_unknown'>;
  archive(key: string, nowMs: number, tenant: string): Promise<AlertRuleRecord | undefined>;
  byKey(key: string, tenant: string): Promise<AlertRuleRecord | undefined>;
  page(request: PageRequest, tenant: string): Promise<Page<AlertRuleRecord>>;
  occurrences(request: PageRequest & { readonly customer?: string | undefined }, tenant: string): Promise<Page<AlertOccurrence>>;
}

export interface AlertRuleRecord extends AlertRule {
  readonly createdAtMs: number;
  readonly archivedAtMs: number | null;
}

export interface RatingStore extends AccountReader, WakeupStore {}
