import { startOfDateMs } from '@meterline/domain/time';
import { isDeepStrictEqual } from 'node:util';
import { stageAt } from '../catalog/index.ts';
import { costsUnder, type PlanFitPorts, type PlanTerms } from '../plan-fit/index.ts';
import type { Account, StageRecord } from '../ports/index.ts';
import type { Decided } from './changes.ts';
import type { ChangePlans } from './subject.ts';

/** What the last whole months would have cost, each with the quantities and the commitment that it would have had. */
export interface LastMonths {
  readonly months: readonly {
    readonly fromMs: number;
    readonly toMs: number;
    readonly before: string | null;
    readonly after: string;
  }[];
  readonly before: string | null;
  readonly after: string;
}

const MONTHS = 3;

/** Null where the change leaves the terms as they are, or the new ones do not bill by the month; `before` is null where only the old ones do not. */
export async function lastMonths(
  ports: PlanFitPorts,
  { subject, plans, update, day }: Decided,
  account: Account,
  tenant: string,
): Promise<LastMonths | null> {
  const dayMs = startOfDateMs(day, subject.customer.timezone);
  const was = termsOf(plans.from, stageAt(subject.subscription, dayMs));
  const is = termsOf(plans.to, stageAt(update, dayMs));
  if (isDeepStrictEqual(was, is) || !isMonthly(plans.to)) return null;
  const terms = isMonthly(plans.from) ? [is, was] : [is];
  const { months, costs } = await costsUnder(ports, account, terms, { months: MONTHS, nowMs: subject.nowMs }, tenant);
  const [after, before] = costs;
  if (after === undefined) return null;
  return {
    months: months.map(({ fromMs, toMs }, index) => ({
      fromMs,
      toMs,
      before: before?.months[index] ?? null,
      after: after.months[index] ?? '0',
    })),
    before: before?.total ?? null,
    after: after.total,
  };
}

function isMonthly({ plan }: ChangePlans['to']): boolean {
  return plan.billingPeriod.every === 'month';
}

/** Those of a plan version behind its phases, as a stage has them. */
function termsOf(
  { plan, version, rateCards, priceRevision }: ChangePlans['to'],
  { commitment, quantities }: StageRecord,
): PlanTerms {
  const { key, name } = plan;
  const priced = { rateCards, priceRevision, phase: null, commitment, quantities };
  return { plan: key, name, planVersion: version, subscription: null, isOffered: true, ...priced };
}
