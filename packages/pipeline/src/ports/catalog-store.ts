import type { Commitment } from '@meterline/domain/commitments';
import type { Meter } from '@meterline/domain/meters';
import type { PriceChange } from '@meterline/domain/price-versions';
import type { RateCard } from '@meterline/domain/prices';
import type { ChangeRules } from '@meterline/domain/stages';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import type { Page, PageRequest } from './page.ts';
import type { SubscriptionStore } from './subscription-store.ts';

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
}

/** Subjects are sorted. */
export interface CustomerRecord extends CustomerDraft {
  readonly createdAtMs: number;
}

export interface CustomerChange {
  readonly name?: string | undefined;
  readonly timezone?: string | undefined;
  /** The whole new list. */
  readonly subjects?: readonly string[] | undefined;
}

export type CustomerRefusal =
  | { readonly refused: 'unknown' | 'key_taken' | 'timezone_in_use' }
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
  /** For changes of the subscriptions under it. */
  readonly changeRules?: ChangeRules | null | undefined;
}

/** What a version of a plan consists of. */
export type PlanVersionDraft = Pick<PlanDraft, 'rateCards' | 'commitment' | 'changeRules'>;

/** A plan with its latest version. */
export interface PlanRecord extends PlanDraft {
  readonly version: number;
  readonly commitment: Commitment | null;
  readonly changeRules: ChangeRules | null;
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
  readonly changeRules: ChangeRules | null;
  /** Of its newest price change; 0 = none. */
  readonly priceRevision: number;
  readonly createdAtMs: number;
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

/** Versions count from 1 and never change; a subscription keeps the one it began with. */
export interface PlanStore {
  /** Undefined if the key is taken. */
  insert(draft: PlanDraft, nowMs: number, tenant: string): Promise<PlanRecord | undefined>;
  /** Undefined if there is no such plan, or it is archived. */
  addVersion(key: string, version: PlanVersionDraft, nowMs: number, tenant: string): Promise<PlanRecord | undefined>;
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
  readonly plans: PlanStore;
  readonly priceChanges: PriceChangeStore;
  readonly subscriptions: SubscriptionStore;
  readonly apiKeys: ApiKeyStore;
}
