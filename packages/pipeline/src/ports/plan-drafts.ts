import type { PlanRecord, PlanVersionDraft, PlanVersionKey, PlanVersionRecord } from './catalog-store.ts';

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
