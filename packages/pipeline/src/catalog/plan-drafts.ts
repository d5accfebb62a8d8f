import { Fault } from '@meterline/domain/faults';
import type { DraftRefusal, PlanRecord, PlanStore, PlanVersionKey, PlanVersionRecord, TenantClock } from '../ports/index.ts';
import { type NewPlanVersion, newPlanVersionSchema, planArchived } from './plans.ts';
import { type FitPorts, refuseUnfit } from './unfit-version.ts';

/** All of a draft, in place of what it was. */
export const planDraftSchema = newPlanVersionSchema.omit({ draft: true });

export const planVersionUnknown = ({ plan, version }: PlanVersionKey): Fault =>
  new Fault('not_found', 'plan_version.unknown', `Plan "${plan}" has no version ${version}.`);

export interface PlanDraftCatalog {
  version(key: PlanVersionKey, tenant: string): Promise<PlanVersionRecord>;
  update(key: PlanVersionKey, input: Omit<NewPlanVersion, 'draft'>, tenant: string): Promise<PlanRecord>;
  publish(key: PlanVersionKey, tenant: string): Promise<PlanRecord>;
  archive(key: PlanVersionKey, tenant: string): Promise<PlanVersionRecord>;
}

interface Ports extends FitPorts {
  readonly plans: PlanStore;
  readonly clock: TenantClock;
}

/** Drafts take no subscriptions and may change; published versions never do, and can be closed to new subscriptions. */
export function planDraftCatalog({ plans, clock, ...fit }: Ports): PlanDraftCatalog {
  async function version(key: PlanVersionKey, tenant: string): Promise<PlanVersionRecord> {
    const record = await plans.version(key.plan, key.version, tenant);
    if (record === undefined) throw planVersionUnknown(key);
    return record;
  }

  return {
    version,

    async update(key, input, tenant) {
      const draft = await version(key, tenant);
      if (!draft.draft) throw refused('published', key);
      await refuseUnfit(input, fit, tenant);
      const plan = await plans.updateDraft(key, input, tenant);
      if (typeof plan === 'string') throw refused(plan, key);
      return plan;
    },

    async publish(key, tenant) {
      const draft = await version(key, tenant);
      // What it prices and counts may be archived since.
      if (draft.draft) await refuseUnfit(draft, fit, tenant);
      const plan = await plans.publish(key, tenant);
      if (plan === 'plan_archived') throw planArchived(key.plan);
      if (typeof plan === 'string') throw refused(plan, key);
      return plan;
    },

    async archive(key, tenant) {
      const archived = await plans.archiveVersion(key, await clock.nowMs(tenant), tenant);
      if (archived === 'unknown') throw planVersionUnknown(key);
      if (archived !== 'last') return archived;
      const rule = `No published version of plan "${key.plan}" would be left: archive the plan.`;
      throw new Fault('conflict', 'plan_version.last', rule);
    },
  };
}

function refused(reason: DraftRefusal, key: PlanVersionKey): Fault {
  const name = `Version ${key.version} of plan "${key.plan}"`;
  switch (reason) {
    case 'unknown':
      return planVersionUnknown(key);
    case 'published':
      return new Fault('conflict', 'plan_version.published', `${name} is published: it never changes. Make a new version.`);
    case 'archived':
      return new Fault('conflict', 'plan_version.archived', `${name} is archived: the draft was discarded.`);
  }
}
