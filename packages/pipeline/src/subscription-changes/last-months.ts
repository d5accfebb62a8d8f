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
    readonly before: string;
    readonly after: string;
  }[];
  readonly before: string;
  readonly after: string;
}

const MONTHS = 3;

/** Null where the change leaves the terms as they are. */
export async function lastMonths(
  ports: PlanFitPorts,
  { subject, plans, update, day }: Decided,
  account: Account,
  tenant: string,
): Promise<LastMonths | null> {
  const dayMs = startOfDateMs(day, subject.customer.timezone);
  const was = termsOf(plans.from, stageAt(subject.subscription, dayMs));
  const is = termsOf(plans.to, stageAt(update, dayMs));
  if (isDeepStrictEqual(was, is)) return null;
  const { months, costs } = await costsUnder(ports, account, [was, is], { months: MONTHS, nowMs: subject.nowMs }, tenant);
  const [before, after] = costs;
  if (before === undefined || after === undefined) throw new Error('the last months were not rated');
  return {
    months: months.map(({ fromMs, toMs }, index) => ({
      fromMs,
      toMs,
      before: before.months[index] ?? '0',
      after: after.months[index] ?? '0',
    })),
    before: before.total,
    after: after.total,
  };
}

/** Those of a plan version behind its phases, as a stage has them. */
function termsOf(
  { plan, version, rateCards, priceRevision }: ChangePlans['to'],
  { commitment, quantities }: StageRecord,
): PlanTerms {
  const { key, name } = plan;
  const { every } = plan.billingPeriod;
  const priced = { rateCards, priceRevision, phase: null, commitment, quantities };
  return { plan: key, name, planVersion: version, every, subscription: null, isOffered: true, ...priced };
}
