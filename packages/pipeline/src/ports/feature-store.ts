import type { Page, PageRequest } from './page.ts';

/** What customers can use; with a meter, what counts how much of it they use. Never changes but for being archived. */
export interface FeatureDraft {
  readonly key: string;
  readonly name: string;
  readonly meter: string | null;
  /** Dimension name of the meter -> accepted values. */
  readonly filter: Readonly<Record<string, readonly string[]>>;
}

export interface FeatureRecord extends FeatureDraft {
  readonly createdAtMs: number;
  /** New plan versions cannot have it; those that do go on. */
  readonly archivedAtMs: number | null;
}

/** A level of a limit that a customer's usage reached in a period. */
export interface ReachedLevel {
  readonly id: string;
  readonly customer: string;
  readonly feature: string;
  readonly periodFromMs: number;
  readonly periodToMs: number;
  /** Of the limit; 100 is the limit itself. */
  readonly percent: number;
  /** Decimal text, as is what was used when it was seen. */
  readonly limit: string;
  readonly used: string;
  readonly triggeredAtMs: number;
}

export interface FeatureStore {
  /** Undefined if the key is taken. */
  insert(draft: FeatureDraft, nowMs: number, tenant: string): Promise<FeatureRecord | undefined>;
  archive(key: string, nowMs: number, tenant: string): Promise<FeatureRecord | undefined>;
  byKey(key: string, tenant: string): Promise<FeatureRecord | undefined>;
  byKeys(keys: readonly string[], tenant: string): Promise<readonly FeatureRecord[]>;
  page(request: PageRequest, tenant: string): Promise<Page<FeatureRecord>>;
  /** Newest first. */
  reachedLevels(
    request: PageRequest & { readonly customer?: string | undefined; readonly feature?: string | undefined },
    tenant: string,
  ): Promise<Page<ReachedLevel>>;
}
