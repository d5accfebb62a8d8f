import type { Commitment } from '@meterline/domain/commitments';
import type { PlanFeature } from '@meterline/domain/entitlements';
import type { InvoiceThresholds, UnusedTime } from '@meterline/domain/invoices';
import type { Meter } from '@meterline/domain/meters';
import type { PlanPhase } from '@meterline/domain/phases';
import type { NegotiatedEnd, NegotiatedPrice, Negotiation, PriceChange } from '@meterline/domain/price-versions';
import type { RateCard } from '@meterline/domain/prices';
import type { ChangeRules } from '@meterline/domain/stages';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import type { FeatureStore } from './feature-store.ts';
import type { Page, PageRequest } from './page.ts';
import type { PlanMoveStore } from './plan-move-store.ts';
import type { SubscriptionStore, SubscriptionUpdate } from './subscription-store.ts';

/** What an operator sets up: meters, customers, plans, subscriptions, API keys. In every call the tenant comes last. */

export interface MeterRecord extends Meter {
  readonly createdAtMs: number;
  readonly archivedAtMs: number | null;
}

export type MeterDraft = Omit<Meter, 'tenant' | 'createdVersion' | 'archivedVersion'>;

/** Creating and archiving make a new meter configuration version in the same transaction. */
export interface MeterStore {
  /** Undefined if the key is taken. */
  insert(draft: MeterDraft, nowMs: number, tenant: string): Promise<MeterRecord | undefined>;
  /** The meter as it is afterwards (archived once: a second call changes nothing); undefined if there is none. */
  archive(key: string, nowMs: number, tenant: string): Promise<MeterRecord | undefined>;
  byKey(key: string, tenant: string): Promise<MeterRecord | undefined>;
  byKeys(keys: readonly string[], tenant: string): Promise<readonly MeterRecord[]>;
  page(request: PageRequest, tenant: string): Promise<Page<MeterRecord>>;
}

export interface CustomerDraft {
  readonly key: string;
  readonly name: string;
  /** ISO 4217. */
  readonly currency: string;
  /** IANA zone in which billing periods begin and end. */
  readonly timezone: string;
  readonly subjects: readonly string[];
  /** What the payment provider calls the way the customer pays; none unless given. */
  readonly paymentMethod?: string | null | undefined;
}

/** Subjects are sorted. */
export interface CustomerRecord extends CustomerDraft {
  readonly paymentMethod: string | null;
  /** Of what was negotiated with it last; 0: nothing. */
  readonly negotiatedRevision: number;
  readonly createdAtMs: number;
}

export interface CustomerChange {
  readonly name?: string | undefined;
  readonly timezone?: string | undefined;
  /** The whole new list. */
  readonly subjects?: readonly string[] | undefined;
  /** Null takes it away. */
  readonly paymentMethod?: string | null | undefined;
  /** With the payment method. */
  readonly trials?: CustomerTrials | undefined;
}

/** What another payment method means for trials of the customer, by all of its subscriptions as they were then. */
export interface CustomerTrials {
  readonly versions: readonly { readonly subscription: string; readonly version: number }[];
  readonly updates: readonly SubscriptionUpdate[];
  readonly nowMs: number;
}

export type CustomerRefusal =
  /**
   * `outdated`: a subscription of the customer began or changed since its trials were looked at. `overlaps`: a trial that converted would meet another
   * subscription to the plan.
   */
  | { readonly refused: 'outdated' | 'overlaps' | 'unknown' | 'key_taken' | 'timezone_in_use' }
  /** These subjects belong to other customers. */
  | { readonly refused: 'subjects_taken'; readonly subjects: readonly string[] };

/** Whatever changes a customer wakes rating for it in the same transaction. */
export interface CustomerStore {
  insert(draft: CustomerDraft, nowMs: number, tenant: string): Promise<CustomerRecord | CustomerRefusal>;
  /** The zone of a customer that ever had a subscription stays: its billing periods would overlap or leave gaps. */
  update(key: string, change: CustomerChange, tenant: string): Promise<CustomerRecord | CustomerRefusal>;
  byKey(key: string, tenant: string): Promise<CustomerRecord | undefined>;
  page(request: PageRequest, tenant: string): Promise<Page<CustomerRecord>>;
}

export interface PlanDraft {
  readonly key: string;
  readonly name: string;
  readonly currency: string;
  readonly billingPeriod: BillingCadence;
  readonly rateCards: readonly RateCard[];
  /** Of subscriptions that do not agree on another one. */
  readonly commitment?: Commitment | null | undefined;
  /** None unless given. */
  readonly features?: readonly PlanFeature[] | undefined;
  /** Its version may change until it is published, and takes no subscriptions. */
  readonly draft?: boolean | undefined;
  /** What becomes of time that was paid in advance and lies after the end of a subscription; default `credit`. */
  readonly unusedTime?: UnusedTime | undefined;
  /** For changes of the subscriptions under it. */
  readonly changeRules?: ChangeRules | null | undefined;
  /** That subscriptions begin with; none unless given. */
  readonly phases?: readonly PlanPhase[] | undefined;
  /** Amounts at which a billing period is invoiced so far; none unless given. */
  readonly invoiceThresholds?: InvoiceThresholds | null | undefined;
}

/** What a version of a plan consists of. */
export type PlanVersionDraft = Pick<
  PlanDraft,
  'rateCards' | 'commitment' | 'features' | 'draft' | 'unusedTime' | 'changeRules' | 'phases' | 'invoiceThresholds'
>;

/** A plan with its latest published version; a draft only while there is no other, or where one was asked for. */
export interface PlanRecord extends PlanDraft {
  readonly version: number;
  readonly commitment: Commitment | null;
  readonly features: readonly PlanFeature[];
  readonly draft: boolean;
  readonly unusedTime: UnusedTime;
  readonly changeRules: ChangeRules | null;
  readonly phases: readonly PlanPhase[];
  readonly invoiceThresholds: InvoiceThresholds | null;
  /** Of the newest price change of that version; 0 = none. */
  readonly priceRevision: number;
  readonly createdAtMs: number;
  readonly archivedAtMs: number | null;
}

export interface PlanVersionRecord {
  readonly plan: string;
  readonly version: number;
  readonly rateCards: readonly RateCard[];
  readonly commitment: Commitment | null;
  readonly features: readonly PlanFeature[];
  readonly draft: boolean;
  readonly unusedTime: UnusedTime;
  readonly changeRules: ChangeRules | null;
  readonly phases: readonly PlanPhase[];
  readonly invoiceThresholds: InvoiceThresholds | null;
  /** Of its newest price change; 0 = none. */
  readonly priceRevision: number;
  readonly createdAtMs: number;
  /** Takes no new subscriptions. */
  readonly archivedAtMs: number | null;
}

/** A plan version by its name. */
export interface PlanVersionKey {
  readonly plan: string;
  readonly version: number;
}

export interface PriceChangeDraft extends PlanVersionKey, Omit<PriceChange, 'revision' | 'knownSinceMs'> {
  /** The newest change that the draft was made with. */
  readonly afterRevision: number;
  /** May reach into periods that are invoiced. */
  readonly isCorrection: boolean;
}

export type PriceChangeRefusal =
  /** Another change was entered since the draft was made. */
  | { readonly refused: 'outdated' }
  /** Subscriptions to the plan version are invoiced up to here, which is after the change. */
  | { readonly refused: 'invoiced'; readonly throughMs: number };

/** Changes are only ever added. In one order with the issuing of invoices: whichever comes second sees the other. */
export interface PriceChangeStore {
  /** Also wakes rating for everyone subscribed to the plan version. The plan version must exist. */
  insert(draft: PriceChangeDraft, nowMs: number, tenant: string): Promise<PriceChange | PriceChangeRefusal>;
  /** All changes of a plan version up to a revision, in their order. */
  upTo(version: PlanVersionKey, revision: number, tenant: string): Promise<PriceChange[]>;
}

/** A price to be kept, or an end of one, as the newest that is known of the customer. */
export type NegotiationDraft = { readonly customer: string; readonly afterRevision: number; readonly isCorrection: boolean } & (
  | Omit<NegotiatedPrice, 'revision' | 'knownSinceMs'>
  | (Omit<NegotiatedEnd, 'revision' | 'knownSinceMs'> & Pick<NegotiatedPrice, 'plan' | 'rateCard'>)
);

/** As price changes: only ever added, in one order with the issuing of invoices, and their refusals alike. */
export interface NegotiatedPriceStore {
  /** Also wakes rating for the customer. Customer and plan must exist. */
  insert(draft: NegotiationDraft, nowMs: number, tenant: string): Promise<Negotiation | PriceChangeRefusal>;
  /** In their order; none of an unknown customer. */
  of(customer: string, tenant: string): Promise<readonly Negotiation[]>;
}

export type DraftRefusal = 'unknown' | 'published' | 'archived';

/** A plan has one draft at most, so that its versions are published in the order of their numbers. Published ones never change. */
export interface PlanDrafts {
  /** Puts all of it in place of what it was. */
  updateDraft(key: PlanVersionKey, version: PlanVersionDraft, tenant: string): Promise<PlanRecord | DraftRefusal>;
  /** From here on new subscriptions get it. `plan_archived`: the plan takes no new versions. */
  publish(key: PlanVersionKey, tenant: string): Promise<PlanRecord | DraftRefusal | 'plan_archived'>;
  /**
   * New subscriptions get the newest published version that is left; a draft is discarded. `last`: none would be left. Archived once: a second call
   * changes nothing.
   */
  archiveVersion(key: PlanVersionKey, nowMs: number, tenant: string): Promise<PlanVersionRecord | 'unknown' | 'last'>;
}

/** Versions count from 1 and never change once published; a subscription keeps the one it began with. */
export interface PlanStore extends PlanDrafts {
  /** Undefined if the key is taken. */
  insert(draft: PlanDraft, nowMs: number, tenant: string): Promise<PlanRecord | undefined>;
  /** The plan with that version; undefined if there is no such plan, or it is archived. `draft_exists`: that comes first. */
  addVersion(
    key: string,
    version: PlanVersionDraft,
    nowMs: number,
    tenant: string,
  ): Promise<PlanRecord | 'draft_exists' | undefined>;
  archive(key: string, nowMs: number, tenant: string): Promise<PlanRecord | undefined>;
  byKey(key: string, tenant: string): Promise<PlanRecord | undefined>;
  page(request: PageRequest, tenant: string): Promise<Page<PlanRecord>>;
  version(key: string, version: number, tenant: string): Promise<PlanVersionRecord | undefined>;
  /** Paged by version number. */
  versions(key: string, request: PageRequest, tenant: string): Promise<Page<PlanVersionRecord>>;
}

export type ApiScope = 'ingest' | 'read' | 'admin';

export interface ApiKeyDraft {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly ApiScope[];
  readonly expiresAtMs: number | null;
}

export interface ApiKeyRecord extends ApiKeyDraft {
  readonly createdAtMs: number;
  readonly revokedAtMs: number | null;
}

/** Only the SHA-256 of a secret is ever stored. */
export interface ApiKeyStore {
  insert(draft: ApiKeyDraft, secretHash: Uint8Array, nowMs: number, tenant: string): Promise<ApiKeyRecord>;
  revoke(id: string, nowMs: number, tenant: string): Promise<ApiKeyRecord | undefined>;
  byId(id: string, tenant: string): Promise<ApiKeyRecord | undefined>;
  page(request: PageRequest, tenant: string): Promise<Page<ApiKeyRecord>>;
}

export interface CatalogStores {
  readonly meters: MeterStore;
  readonly customers: CustomerStore;
  readonly features: FeatureStore;
  readonly plans: PlanStore;
  readonly priceChanges: PriceChangeStore;
  readonly negotiatedPrices: NegotiatedPriceStore;
  readonly planMoves: PlanMoveStore;
  readonly subscriptions: SubscriptionStore;
  readonly apiKeys: ApiKeyStore;
}
