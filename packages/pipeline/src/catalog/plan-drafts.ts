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

interface Ports extends Omit<FitPorts, 'plans'> {
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

  async function plan(key: PlanVersionKey, tenant: string): Promise<PlanRecord> {
    const record = await plans.byKey(key.plan, tenant);
    if (record === undefined) throw planVersionUnknown(key);
    return record;
  }

  return {
    version,

    async update(key, input, tenant) {
      const draft = await version(key, tenant);
      if (!draft.draft) throw refused('published', key);
      await refuseUnfit(input, await plan(key, tenant), { ...fit, plans }, tenant);
      const updated = await plans.updateDraft(key, input, tenant);
      if (typeof updated === 'string') throw refused(updated, key);
      return updated;
    },

    async publish(key, tenant) {
      const draft = await version(key, tenant);
      // What it prices and counts may be archived since.
      if (draft.draft) await refuseUnfit(draft, await plan(key, tenant), { ...fit, plans }, tenant);
      const published = await plans.publish(key, tenant);
      if (published === 'plan_archived') throw planArchived(key.plan);
      if (typeof published === 'string') throw refused(published, key);
      return published;
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
