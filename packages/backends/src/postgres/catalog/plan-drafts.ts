import type {
  Database,
  DraftRefusal,
  PlanDrafts,
  PlanVersionKey,
  PlanVersionRecord,
  SqlExecutor,
} from '@meterline/pipeline/ports';
import { planAt, type PlanVersionRow, SELECT_VERSION, versionRecord, versionTerms } from './plan-store.ts';

export function planDrafts(db: Database): PlanDrafts {
  return {
    updateDraft: (key, version, tenant) =>
      db.transaction(async (tx) => {
        await lockPlan(tx, key, tenant);
        const refusal = await refusalOf(tx, key, tenant);
        if (refusal !== undefined) return refusal;
        await tx.query(
          `update plan_version set (rate_cards, commitment, unused_time, features, change_rules, phases, invoice_thresholds)
             = ($4::jsonb, $5::jsonb, $6, $7::jsonb, $8::jsonb, $9::jsonb, $10::jsonb)
           where plan = $1 and version = $2 and tenant = $3`,
          [key.plan, key.version, tenant, ...versionTerms(version)],
        );
        return planAt(tx, key, tenant);
      }),

    publish: (key, tenant) =>
      db.transaction(async (tx) => {
        const isOpen = await lockPlan(tx, key, tenant);
        const refusal = await refusalOf(tx, key, tenant);
        if (refusal !== undefined) return refusal;
        if (!isOpen) return 'plan_archived';
        await tx.query('update plan_version set draft = false where plan = $1 and version = $2 and tenant = $3', [
          key.plan,
          key.version,
          tenant,
        ]);
        await tx.query('update plan set latest_version = $2 where key = $1 and tenant = $3', [key.plan, key.version, tenant]);
        return planAt(tx, key, tenant);
      }),

    archiveVersion: (key, nowMs, tenant) =>
      db.transaction(async (tx) => {
        await lockPlan(tx, key, tenant);
        const version = await find(tx, key, tenant);
        if (version === undefined) return 'unknown';
        if (version.archivedAtMs !== null) return version;
        const [left] = await tx.query<{ latest: number | null }>(
          `select max(version) as latest from plan_version
           where not draft and archived_at is null and plan = $1 and version <> $2 and tenant = $3`,
          [key.plan, key.version, tenant],
        );
        const latest = left?.latest ?? null;
        if (latest === null) return 'last';
        await tx.query('update plan_version set archived_at = $3 where plan = $1 and version = $2 and tenant = $4', [
          key.plan,
          key.version,
          new Date(nowMs),
          tenant,
        ]);
        if (!version.draft)
          await tx.query('update plan set latest_version = $2 where key = $1 and tenant = $3', [key.plan, latest, tenant]);
        return { ...version, archivedAtMs: nowMs };
      }),
  };
}

/** Whatever changes the versions of a plan goes one after the other. Answers whether the plan takes new versions. */
async function lockPlan(tx: SqlExecutor, { plan }: PlanVersionKey, tenant: string): Promise<boolean> {
  const [found] = await tx.query<{ open: boolean }>(
    'select archived_at is null as open from plan where key = $1 and tenant = $2 for update',
    [plan, tenant],
  );
  return found?.open === true;
}

async function find(tx: SqlExecutor, { plan, version }: PlanVersionKey, tenant: string): Promise<PlanVersionRecord | undefined> {
  const rows = await tx.query<PlanVersionRow>(`${SELECT_VERSION} where plan = $1 and version = $2 and tenant = $3`, [
    plan,
    version,
    tenant,
  ]);
  return rows.map(versionRecord)[0];
}

/** Why it is no draft that can change. */
async function refusalOf(tx: SqlExecutor, key: PlanVersionKey, tenant: string): Promise<DraftRefusal | undefined> {
  const version = await find(tx, key, tenant);
  if (version === undefined) return 'unknown';
  if (!version.draft) return 'published';
  return version.archivedAtMs === null ? undefined : 'archived';
}
