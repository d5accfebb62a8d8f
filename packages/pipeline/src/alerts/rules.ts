import { type AlertRule, alertRuleFaults } from '@meterline/domain/alerts';
import { Fault } from '@meterline/domain/faults';
import { newId } from '../ids/index.ts';
import type { AlertRuleRecord, AlertRuleStore, TenantClock } from '../ports/index.ts';

export interface AlertRuleRequest {
  readonly key?: string | undefined;
  readonly customer?: string | undefined;
  readonly plan?: string | undefined;
  readonly budget?: string | undefined;
  readonly thresholds: readonly string[];
}

/** Creates a rule and has it evaluated. Fails with `alert_rule.invalid`, `.key_taken`, `customer.unknown` or `plan.unknown`. */
export async function createAlertRule(
  ports: { readonly rules: AlertRuleStore; readonly clock: TenantClock },
  request: AlertRuleRequest,
  tenant: string,
): Promise<AlertRuleRecord> {
  const nowMs = await ports.clock.nowMs(tenant);
  const rule: AlertRule = {
    key: request.key ?? newId('rule', nowMs),
    customer: request.customer ?? null,
    plan: request.plan ?? null,
    budget: request.budget ?? null,
    thresholds: request.thresholds,
  };
  const errors = alertRuleFaults(rule);
  if (errors.length > 0) throw new Fault('invalid', 'alert_rule.invalid', 'The alert rule is not valid.', { errors });
  const outcome = await ports.rules.insert(rule, nowMs, tenant);
  if (outcome === 'inserted') return { ...rule, createdAtMs: nowMs, archivedAtMs: null };
  throw refusal(outcome, rule);
}

function refusal(outcome: 'key_taken' | 'customer_unknown' | 'plan_unknown', rule: AlertRule): Fault {
  const fault = (code: string, path: string, message: string, kind: 'conflict' | 'invalid') =>
    new Fault(kind, code, message, { errors: [{ path, message }] });
  switch (outcome) {
    case 'key_taken':
      return fault('alert_rule.key_taken', 'key', `There is already an alert rule "${rule.key}".`, 'conflict');
    case 'customer_unknown':
      return fault('customer.unknown', 'customer', `There is no customer "${rule.customer}".`, 'invalid');
    case 'plan_unknown':
      return fault('plan.unknown', 'plan', `There is no plan "${rule.plan}".`, 'invalid');
  }
}
