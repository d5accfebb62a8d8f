import type { Terminal } from '../terminal.ts';
import { CHARGE_COLUMNS, type ChargeLine, chargeRows } from './charges.ts';
import { groupDigits } from './digits.ts';
import { table } from './table.ts';

/** `GET /v1/customers/{key}/spend`. */
export interface Spend {
  readonly customer: string;
  readonly currency: string;
  readonly asOf: { readonly cut: readonly number[]; readonly at: string };
  readonly total: string;
  readonly subscriptions: readonly {
    readonly plan: string;
    readonly planVersion: number;
    readonly period: { readonly from: string; readonly to: string };
    readonly lines: readonly ChargeLine[];
    readonly total: string;
  }[];
}

/** What a customer has spent so far, subscription by subscription. */
export function spendText({ customer, currency, asOf, subscriptions, total }: Spend, terminal: Pick<Terminal, 'paint'>): string {
  const { paint } = terminal;
  const asOfText = paint('dim', `As of ${asOf.at}, offset ${asOf.cut.join(', ')} of the event log.`);
  if (subscriptions.length === 0) return `${paint('bold', customer)} has no active subscription.\n${asOfText}`;
  const sections = subscriptions.map(({ plan, planVersion, period, lines, total: planTotal }) => {
    const head = `${paint('bold', customer)} on ${plan}, version ${planVersion}: ${period.from} up to ${period.to}`;
    const rows = lines.flatMap((line) => chargeRows(line, terminal));
    const sum = ['So far', '', '', `${groupDigits(planTotal)} ${currency}`].map((cell) => paint('bold', cell));
    return `${head}\n\n${table(CHARGE_COLUMNS, rows, sum)}\n`;
  });
  const all = subscriptions.length === 1 ? [] : [`All subscriptions: ${paint('bold', `${groupDigits(total)} ${currency}`)}`];
  return [...sections, ...all, asOfText].join('\n');
}
