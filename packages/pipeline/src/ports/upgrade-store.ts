import type { Quantities, StageTerms } from '@meterline/domain/stages';
import type { Page, PageRequest } from './page.ts';
import type { Cut } from './segment-ledger.ts';

export type UpgradeStepName = 'eligibility' | 'prices' | 'snapshot' | 'switch' | 'verification' | 'rollback';

export interface UpgradeCheck {
  readonly check: string;
  readonly passed: boolean;
  /** What was found. */
  readonly message: string;
}

export interface UpgradeStep {
  readonly step: UpgradeStepName;
  readonly checks: readonly UpgradeCheck[];
}

/** How a customer and its subscription stood before an upgrade. */
export interface UpgradeSnapshot {
  /** Of the subscription. */
  readonly version: number;
  readonly terms: StageTerms;
  readonly quantities: Quantities;
  /** What each meter counted from the beginning of the customer's month on, by its key, as decimal texts; at a cut, so that it stays what it was. */
  readonly usage: {
    readonly fromMs: number;
    readonly toMs: number;
    readonly cut: Cut;
    readonly quantities: Readonly<Record<string, string>>;
  };
  /** Keys of the features that the customer may use. */
  readonly features: readonly string[];
  /** Alert rules of the customer: keys, with their thresholds. */
  readonly alertRules: Readonly<Record<string, readonly string[]>>;
}

/** What is charged by usage beside the fees of the plan; as far as it is used in the billing period of the switch. */
export interface ExtraCost {
  readonly rateCard: string;
  readonly name: string;
  readonly meter: string;
  readonly quantity: string;
  readonly amount: string;
}

/** `failed`: nothing was changed. `rolled_back`: what was changed was taken back. */
export type UpgradeState = 'running' | 'done' | 'failed' | 'rolled_back';

export interface UpgradeRecord {
  readonly id: string;
  readonly tenant: string;
  readonly subscription: string;
  readonly state: UpgradeState;
  /** Of the preview that the switch executes. */
  readonly token: string;
  /** Id of the change that the switch made; null before it. */
  readonly change: string | null;
  readonly snapshot: UpgradeSnapshot;
  readonly extraCosts: readonly ExtraCost[];
  /** Those that were taken, in order. */
  readonly steps: readonly UpgradeStep[];
  readonly createdAtMs: number;
  /** Exclusive: before it the upgrade is taken back on request. */
  readonly graceUntilMs: number;
  readonly finishedAtMs: number | null;
}

export type UpgradeProgress = Pick<UpgradeRecord, 'id' | 'tenant' | 'state' | 'change' | 'steps' | 'finishedAtMs'>;

export interface UpgradeStore {
  /** Undefined if one of the subscription is running. */
  insert(upgrade: UpgradeRecord): Promise<UpgradeRecord | undefined>;
  /** Nothing happens unless it is in `from` still; answers whether it was. */
  progress(progress: UpgradeProgress, from: UpgradeState): Promise<boolean>;
  byId(id: string, tenant: string): Promise<UpgradeRecord | undefined>;
  /** Newest first. */
  page(request: PageRequest & { readonly subscription: string }, tenant: string): Promise<Page<UpgradeRecord>>;
  /** Of all tenants: those left running that began before an instant of the server's time. */
  unfinished(beforeServerMs: number): Promise<UpgradeRecord[]>;
}
