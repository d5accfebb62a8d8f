import { createHash } from 'node:crypto';
import { compare, currencyExponent, type Decimal, formatDecimal, formatMoney, roundDecimal } from '@meterline/domain/money';
import { formatInstant } from '@meterline/domain/time';
import type { AlertOccurrence, FiredLevel } from '../ports/index.ts';
import { webhookMessageId } from '../webhooks/index.ts';

/** Always the same for a level in a period, so that firing twice is firing once. */
export function occurrenceId({ rule, customer, periodFromMs, threshold }: FiredLevel, tenant: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([tenant, rule, customer, periodFromMs, threshold]))
    .digest('hex');
  return `alo_${hash.slice(0, 32)}`;
}

/** An amount with the currency's digits, or all of its own where it has more (a third of a budget). */
export function amountText(amount: Decimal, currency: string): string {
  const isWhole = compare(amount, roundDecimal(amount, currencyExponent(currency))) === 0;
  return isWhole ? formatMoney(amount, currency) : formatDecimal(amount);
}

/** An occurrence as the API and webhooks show it. */
export function occurrenceDocument(occurrence: AlertOccurrence) {
  return {
    id: occurrence.id,
    rule: occurrence.rule,
    customer: occurrence.customer,
    period: { from: formatInstant(occurrence.periodFromMs), to: formatInstant(occurrence.periodToMs) },
    threshold: occurrence.threshold,
    thresholdAmount: occurrence.thresholdAmount,
    budget: occurrence.budget,
    spend: occurrence.spend,
    currency: occurrence.currency,
    asOf: { cut: occurrence.cut, at: formatInstant(occurrence.triggeredAtMs) },
  };
}

/** The `alert.triggered` message of an occurrence, for the outbox. */
export function alertMessage(occurrence: AlertOccurrence, tenant: string) {
  const type = 'alert.triggered';
  return {
    id: webhookMessageId(tenant, type, occurrence.id),
    tenant,
    type,
    data: occurrenceDocument(occurrence),
    createdAtMs: occurrence.triggeredAtMs,
  } as const;
}
