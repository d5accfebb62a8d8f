import type { Commitment } from '@meterline/domain/commitments';
import type { ChangeFee, ChangeKind, Lapse, Quantities, StageTerms } from '@meterline/domain/stages';
import type { Page, PageRequest } from './page.ts';

export interface SubscriptionDraft {
  readonly id: string;
  readonly customer: string;
  readonly plan: string;
  readonly planVersion: number;
  /** Billed from the local day of this instant on; billing periods are counted from it for good. */
  readonly startsAtMs: number;
  /** What it agreed on: its plan version's commitment, another one, or none. */
  readonly commitment?: Commitment | null | undefined;
  /** How many of the fees of rate cards; of the others, one. */
  readonly quantities?: Quantities | undefined;
  /** Where its plan version has phases. */
  readonly phased?: PhasedStart | undefined;
}

/** How a subscription begins with the phases of its plan version, and what of its customer that was decided by. */
export interface PhasedStart {
  /** Id of its first change. */
  readonly change: string;
  readonly phasing: PhasingRecord;
  readonly stages: readonly StageRecord[];
  readonly endsAtMs: number | null;
  readonly trial: TrialFacts;
}

/** What decides whether a customer has a trial of a plan, and whether it converts. */
export interface TrialFacts {
  readonly hasPaymentMethod: boolean;
  /** Of the same plan. */
  readonly hadTrial: boolean;
}

/** `Phasing` by instants. */
export interface PhasingRecord {
  readonly phases: readonly {
    readonly key: string;
    readonly untilMs: number;
    readonly remindDays: number | null;
  }[];
  readonly lapse: (Omit<Lapse, 'fromDay'> & { readonly fromMs: number }) | null;
}

/** A phase of the plan version that a stage is under. */
export interface PhaseRecord {
  readonly key: string;
  /** Local midnight, exclusive; the stage may be over before. */
  readonly untilMs: number;
  /** When its end is told of beforehand; null: it is no trial. */
  readonly remindsAtMs: number | null;
}

/** Days of a subscription on which it is the same throughout. */
export interface StageRecord {
  /** Of the first stage the start of the subscription, of others a local midnight. */
  readonly fromMs: number;
  /** Local midnight, exclusive; null = until the subscription ends. */
  readonly untilMs: number | null;
  /** Where the subscription had ended, and began again later: the end of then. */
  readonly endsAtMs: number | null;
  readonly plan: string;
  readonly planVersion: number;
  readonly commitment: Commitment | null;
  /** Null behind the phases of the plan version. */
  readonly phase: PhaseRecord | null;
  readonly quantities: Quantities;
  readonly paused: boolean;
  /** Whether its first billing period pays its fees whole. */
  readonly paysWhole: boolean;
  /** Whether it has billing periods of its own, even if it is as the stage before. */
  readonly anew: boolean;
  readonly changeFees: readonly ChangeFee[];
  /** Id of the change it began with. */
  readonly change: string;
}

export interface SubscriptionRecord {
  readonly id: string;
  readonly customer: string;
  readonly startsAtMs: number;
  /** Billed through the local day of this instant; null = open. Before `startsAtMs`: called off before it began, never billed. */
  readonly endsAtMs: number | null;
  /** In order, at least one. None is billed beyond `endsAtMs`. */
  readonly stages: readonly StageRecord[];
  /** Counts its changes. */
  readonly version: number;
  readonly createdAtMs: number;
}

/** What holds from a day on. A withdrawn one never did. */
export interface SubscriptionChangeRecord {
  readonly id: string;
  readonly subscription: string;
  /** 1, 2, ... in the order they were made. */
  readonly seq: number;
  readonly kind: ChangeKind;
  /** Holds from the local day of this instant on; a `cancel` bills through it. */
  readonly fromMs: number;
  /** Local midnight, exclusive; null = for good. */
  readonly untilMs: number | null;
  readonly terms?: StageTerms | undefined;
  /** As in `SubscriptionChange`, like `amends`. */
  readonly phasing?: PhasingRecord | undefined;
  readonly amends?: string | undefined;
  readonly quantities?: Quantities | undefined;
  readonly fee?: ChangeFee | undefined;
  readonly paysWhole?: boolean | undefined;
  readonly anew?: boolean | undefined;
  readonly byVendor?: boolean | undefined;
  readonly createdAtMs: number;
  readonly withdrawnAtMs: number | null;
}

/** A subscription as it is once a change is made or withdrawn. */
export interface SubscriptionUpdate {
  readonly subscription: string;
  /** What it was decided by: any other change in between refuses it. */
  readonly version: number;
  /** Null where changes are withdrawn alone. */
  readonly change: SubscriptionChangeRecord | null;
  /** Changes that no longer stand. */
  readonly withdraws: readonly string[];
  readonly stages: readonly StageRecord[];
  readonly endsAtMs: number | null;
  /** Days before this instant stay as they were; none from it on may be invoiced. */
  readonly fromMs: number;
  /** End of what was invoiced when it was decided: another invoice in between refuses it, as it may part a billing period. Absent: it parts none. */
  readonly billedThroughMs?: number | null | undefined;
  /** What of the customer it was decided by, where a trial hangs on it. */
  readonly trial?: (TrialFacts & { readonly plan: string }) | undefined;
}

/** `changed`: by somebody else meanwhile, or invoiced further. `overlaps`: the customer has another subscription to the same plan in that time. */
export type UpdateRefusal = 'changed' | 'invoiced' | 'overlaps';

/** What is to be told of trials, as the stages of subscriptions have it. */
export interface TrialNoticeStore {
  /** When the next one of each tenant is due; those that have none are left out. */
  nextDue(): Promise<readonly { readonly tenant: string; readonly dueMs: number }[]>;
  /** Tells what is due by a webhook message, each in a transaction of its own and once for good, at most `limit` of them. Answers how many. */
  tellDue(nowMs: number, limit: number, tenant: string): Promise<number>;
}

/** Whatever changes a subscription wakes rating for its customer in the same transaction, and counts its version. */
export interface SubscriptionStore {
  /**
   * `overlaps`: the customer has a subscription to that plan on the local day that begins at `startDayMs`, or later, or to the one that follows its trial.
   * `outdated`: what its phases were decided by is not so any more.
   */
  insert(
    draft: SubscriptionDraft,
    at: { startDayMs: number; nowMs: number },
    tenant: string,
  ): Promise<SubscriptionRecord | 'overlaps' | 'outdated'>;
  /** The same for the end alone: sets it, unless it has ended by `nowMs`, or an invoice reaches beyond `billedUntilMs`, the end of the last billed day. */
  end(
    id: string,
    at: { endsAtMs: number; billedUntilMs: number; nowMs: number },
    tenant: string,
  ): Promise<SubscriptionRecord | 'unknown' | 'ended' | 'invoiced'>;
  /** In one transaction, with its `subscription.changed` message. */
  update(update: SubscriptionUpdate, nowMs: number, tenant: string): Promise<SubscriptionRecord | UpdateRefusal>;
  byId(id: string, tenant: string): Promise<SubscriptionRecord | undefined>;
  /** In the order they were made, withdrawn ones too. */
  changes(id: string, tenant: string): Promise<SubscriptionChangeRecord[]>;
  /** Whether the customer has, had or will have a trial of the plan. */
  hadTrial(customer: string, plan: string, tenant: string): Promise<boolean>;
  /** By plan: those with a stage under it. */
  page(
    request: PageRequest & { customer?: string | undefined; plan?: string | undefined },
    tenant: string,
  ): Promise<Page<SubscriptionRecord>>;
}
