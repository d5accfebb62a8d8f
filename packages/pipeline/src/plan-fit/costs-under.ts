import { type BillingMonth, monthsBeforeHistory, type PlanCosts, planCosts, sinceHistory } from '@meterline/domain/plan-fit';
import type { Account } from '../ports/index.ts';
import type { RatingPorts } from '../spend/index.ts';
import { metersOf, type PlanFitPorts, type PlanFitRequest, ratingOf } from './plan-fit.ts';
import { activeAt, monthsAnchor, type PlanTerms } from './plan-terms.ts';
import { rateMonths } from './rate-months.ts';

export interface CostsUnder {
  /** Those of the customer's history. */
  readonly months: readonly BillingMonth[];
  /** In the order of the terms. */
  readonly costs: readonly PlanCosts[];
}

/** What the last whole months of a customer would have cost under each of these terms. */
export async function costsUnder(
  ports: Pick<PlanFitPorts, 'meters'> & RatingPorts,
  account: Account,
  terms: readonly PlanTerms[],
  request: PlanFitRequest,
  tenant: string,
): Promise<CostsUnder> {
  const meters = await metersOf(ports.meters, terms, [], tenant);
  const anchorMs = monthsAnchor(activeAt(account, request.nowMs));
  const rating = ratingOf(account, { compared: terms, anchorMs }, meters, request);
  const [rated] = (await rateMonths(ports, [rating], { byDay: false }, tenant)).rated;
  const skipped = monthsBeforeHistory({ ...rating, meters: rated?.meters ?? [] });
  const months = rating.months.slice(skipped);
  const costs = rated?.plans.map((plan) => planCosts(sinceHistory(plan, skipped), months, account.currency)) ?? [];
  return { months, costs };
}
