import type { Commitment } from '@meterline/domain/commitments';
import type { ChangeFee, ChangeKind, Quantities, StageTerms } from '@meterline/domain/stages';
import type { PhasingRecord, StageRecord, SubscriptionChangeRecord, SubscriptionRecord } from '@meterline/pipeline/ports';
import { epochMs, epochMsOrNull } from './rows.ts';

export interface SubscriptionRow {
  readonly id: string;
  readonly customer: string;
  readonly starts_at: string;
  readonly ends_at: string | null;
  readonly version: number;
  readonly created_at: string;
  readonly stages: readonly StageRow[];
}

/** A stage as a row, or as JSON within its subscription's row. */
export interface StageRow {
  readonly from_at: string;
  readonly until_at: string | null;
  readonly ends_at: string | null;
  readonly plan: string;
  readonly plan_version: number;
  readonly commitment: Commitment | null;
  readonly phase: string | null;
  readonly phase_until: string | null;
  readonly trial_reminds_at: string | null;
  readonly quantities: Quantities;
  readonly paused: boolean;
  readonly pays_whole: boolean;
  readonly anew: boolean;
  readonly change_fees: readonly ChangeFee[];
  readonly change: string;
}

/** To be followed by `from subscription s`. */
export const SUBSCRIPTION_COLUMNS = `s.id, s.customer, s.starts_at, s.ends_at, s.version, s.created_at, (
  select jsonb_agg(to_jsonb(st) order by st.from_at) from subscription_stage st where st.subscription = s.id and st.tenant = s.tenant
) as stages`;

export function subscriptionRecord(row: SubscriptionRow): SubscriptionRecord {
  return {
    id: row.id,
    customer: row.customer,
    startsAtMs: epochMs(row.starts_at),
    endsAtMs: epochMsOrNull(row.ends_at),
    version: row.version,
    createdAtMs: epochMs(row.created_at),
    stages: row.stages.map(stageRecord),
  };
}

export const stageRecord = (stage: StageRow): StageRecord => ({
  fromMs: epochMs(stage.from_at),
  untilMs: epochMsOrNull(stage.until_at),
  endsAtMs: epochMsOrNull(stage.ends_at),
  plan: stage.plan,
  planVersion: stage.plan_version,
  commitment: stage.commitment,
  phase:
    stage.phase === null || stage.phase_until === null
      ? null
      : { key: stage.phase, untilMs: epochMs(stage.phase_until), remindsAtMs: epochMsOrNull(stage.trial_reminds_at) },
  quantities: stage.quantities,
  paused: stage.paused,
  paysWhole: stage.pays_whole,
  anew: stage.anew,
  changeFees: stage.change_fees,
  change: stage.change,
});

export interface ChangeRow {
  readonly id: string;
  readonly subscription: string;
  readonly seq: number;
  readonly kind: ChangeKind;
  readonly from_at: string;
  readonly until_at: string | null;
  readonly details: ChangeDetails;
  readonly created_at: string;
  readonly withdrawn_at: string | null;
}

export interface ChangeDetails {
  readonly terms?: StageTerms | undefined;
  readonly phasing?: PhasingRecord | undefined;
  readonly amends?: string | undefined;
  readonly quantities?: Quantities | undefined;
  readonly fee?: ChangeFee | undefined;
  readonly paysWhole?: boolean | undefined;
  readonly anew?: boolean | undefined;
  readonly byVendor?: boolean | undefined;
}

export const changeRecord = (row: ChangeRow): SubscriptionChangeRecord => ({
  id: row.id,
  subscription: row.subscription,
  seq: row.seq,
  kind: row.kind,
  fromMs: epochMs(row.from_at),
  untilMs: epochMsOrNull(row.until_at),
  ...row.details,
  createdAtMs: epochMs(row.created_at),
  withdrawnAtMs: epochMsOrNull(row.withdrawn_at),
});
