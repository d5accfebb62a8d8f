import type { ExtraCost, UpgradeCheck, UpgradeSnapshot, UpgradeStep } from '../ports/index.ts';
import { type ChangePreview, planAndVersion } from '../subscription-changes/index.ts';

const passed = (check: string, message: string): UpgradeCheck => ({ check, passed: true, message });

/** A preview that was made has passed the rules of the plan; what it found is told. */
export function eligibility({ decided: { plans, direction, change } }: ChangePreview): UpgradeStep {
  const [from, to] = [plans.from, plans.to].map(({ plan, version }) => planAndVersion({ plan: plan.key, planVersion: version }));
  const fee = change.fee === undefined ? 'without a fee for the change' : `for a fee of ${change.fee.amount}`;
  return {
    step: 'eligibility',
    checks: [
      passed('rules', `the rules of ${from ?? ''} allow the change to ${to ?? ''}, ${fee}`),
      passed('direction', direction === 'up' ? 'the fees rise' : 'the fees stay the same'),
    ],
  };
}

/** Usage that the fees of the new plan do not cover, by its next invoice. */
export function extraCostsOf({ decided, now, next }: ChangePreview): ExtraCost[] {
  const { plan, version } = decided.plans.to;
  const invoice = [...now, ...next].find((each) => each.plan === plan.key && each.planVersion === version);
  return (invoice?.lines ?? []).flatMap(({ key, name, meter, quantity, amount }) =>
    meter === null ? [] : [{ rateCard: key, name, meter, quantity, amount }],
  );
}

export function prices({ difference, features }: ChangePreview, extraCosts: readonly ExtraCost[]): UpgradeStep {
  const losses = [...difference.allowances, ...features].flatMap(({ message }) => message ?? []);
  return {
    step: 'prices',
    checks: [
      ...extraCosts.map(({ name, quantity, amount }) =>
        passed('extra cost', `${name} is charged by usage beside the fees: ${quantity} so far, ${amount}`),
      ),
      ...difference.unpricedMeters.map((meter) => passed('no longer charged', meter)),
      ...losses.map((message) => passed('less than before', message)),
    ],
  };
}

export function taken({ terms, usage, features, alertRules }: UpgradeSnapshot): UpgradeStep {
  const counted = [Object.keys(usage.quantities), features, Object.keys(alertRules)].map(({ length }) => length);
  const [meters = 0, allowed = 0, rules = 0] = counted;
  return {
    step: 'snapshot',
    checks: [passed('kept', `${planAndVersion(terms)}, usage of ${meters} meters, ${allowed} features, ${rules} alert rules`)],
  };
}
