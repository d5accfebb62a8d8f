import type { Commitment } from '../commitments/index.ts';
import type { PhaseDays } from '../phases/index.ts';
import type { EpochDay } from '../time/index.ts';

/** What is charged: a plan version, and what was agreed on with it. */
export interface StageTerms {
  readonly plan: string;
  readonly planVersion: number;
  readonly commitment: Commitment | null;
}

/** How many of the fee of a rate card are subscribed, by the card's key; exact decimals. */
export type Quantities = Readonly<Record<string, string>>;

/** Charged once, for a change. */
export interface ChangeFee {
  /** Of its invoice line: the id of the change. */
  readonly key: string;
  readonly name: string;
  readonly amount: string;
}

export type ChangeKind = 'start' | 'plan' | 'quantity' | 'pause' | 'resume' | 'cancel' | 'resubscribe' | 'trial';

/** What follows a trial that does not convert. */
export interface Lapse {
  /** The first day behind the trial. */
  readonly fromDay: EpochDay;
  /** Null: the subscription has ended. */
  readonly terms: StageTerms | null;
  /** What would make it convert. */
  readonly unless: 'payment_method' | 'request';
}

/** How terms begin: their phases, in order, and whether the trial among them leads to the next one. */
export interface Phasing {
  readonly phases: readonly PhaseDays[];
  /** Null: the trial converts, or there is none. */
  readonly lapse: Lapse | null;
}

/** One entry of what a subscription is: it holds from a local day on, up to another one or for good. */
export interface SubscriptionChange {
  readonly id: string;
  /** Of two that begin on one day the one with the greater number holds. */
  readonly seq: number;
  readonly kind: ChangeKind;
  /** Of a `cancel`: the first day that is not billed any more. */
  readonly fromDay: EpochDay;
  /** Exclusive. */
  readonly untilDay: EpochDay | null;
  /** Of `start` and `plan`, and of a `resubscribe` that brings another plan. */
  readonly terms?: StageTerms | undefined;
  /** Of what has terms; and of a `trial`, for the change that it `amends`. Absent: no phases. */
  readonly phasing?: Phasing | undefined;
  /** Of a `trial`: the change whose phasing it takes the place of. It holds as long as that one does. */
  readonly amends?: string | undefined;
  readonly quantities?: Quantities | undefined;
  readonly fee?: ChangeFee | undefined;
  /** Whether the first billing period under the terms pays its fees whole. */
  readonly paysWhole?: boolean | undefined;
  /** It takes the place of a stage that has begun within a billing period: what is billed begins with it anew, even if all is as it was before that. */
  readonly anew?: boolean | undefined;
  /** Not the customer's: made by the vendor, or to take back what failed. Where changes are limited it does not count. */
  readonly byVendor?: boolean | undefined;
  /** Of a `cancel`: its exact instant, within the last billed day. */
  readonly endsAtMs?: number | undefined;
}
