import type { CommitmentSettlement } from '@meterline/domain/commitments';
import type { Terminal } from '../terminal.ts';
import { CHARGE_COLUMNS, type ChargeLine, chargeRows } from './charges.ts';
import { commitmentRows } from './commitments.ts';
import { groupDigits } from './digits.ts';
import { type PrepaidEntries, prepaidRows } from './prepaid.ts';
import { table } from './table.ts';

/** `GET /v1/customers/{key}/spend`. */
export interface Spend {
  readonly customer: string;
  readonly currency: string;
  readonly asOf: { readonly cut: readonly number[]; readonly at: string };
  readonly total: string;
  readonly prepaid: (PrepaidEntries & { readonly credited: string; readonly due: string }) | null;
  readonly subscriptions: readonly {
    readonly plan: string;
    readonly planVersion: number;
    readonly phase?: { readonly name: string } | null;
    readonly period: { readonly from: string; readonly to: string };
    readonly lines: readonly ChargeLine[];
    readonly billedInAdvance: readonly { readonly invoice: string; readonly name: string; readonly amount: string }[];
    readonly interims: readonly { readonly invoice: string; readonly usageTo: string; readonly amount: string }[];
    readonly nextThreshold: string | null;
    readonly commitment: CommitmentSettlement | null;
    readonly toInvoice: string;
    readonly total: string;
  }[];
}

const GRANT_COLUMNS = [
  { title: 'Grant' },
  { title: 'Units', align: 'right' },
  { title: '' },
  { title: 'Amount', align: 'right' },
] as const;

/** What a customer has spent so far, subscription by subscription. */
export function spendText(spend: Spend, terminal: Pick<Terminal, 'paint'>): string {
  const { customer, currency, asOf, subscriptions, total } = spend;
  const { paint } = terminal;
  const asOfText = paint('dim', `As of ${asOf.at}, offset ${asOf.cut.join(', ')} of the event log.`);
  if (subscriptions.length === 0) return `${paint('bold', customer)} has no active subscription.\n${asOfText}`;
  const sections = subscriptions.map((subscription) => {
    const {
      plan,
      planVersion,
      phase,
      period,
      lines,
      billedInAdvance,
      interims,
      nextThreshold,
      commitment,
      toInvoice,
      total: planTotal,
    } = subscription;
    const head = `${paint('bold', customer)} on ${plan}, version ${planVersion}${phase ? `, ${phase.name}` : ''}: ${period.from} up to ${period.to}`;
    const committed = commitment === null ? [] : commitmentRows(commitment, terminal);
    const rows = [...lines.flatMap((line) => chargeRows(line, terminal)), ...committed];
    const sum = ['So far', '', '', `${groupDigits(planTotal)} ${currency}`].map((cell) => paint('bold', cell));
    const billed = billedInAdvance.map(
      ({ name, invoice, amount }) => `  ${groupDigits(amount)} of it for ${name} are on ${invoice}`,
    );
    const onInterims = interims.map(
      ({ invoice, usageTo, amount }) => `  ${groupDigits(amount)} of it for usage up to ${usageTo} are on ${invoice}`,
    );
    const open = billed.length + onInterims.length === 0 ? [] : [`  ${groupDigits(toInvoice)} of it are on no invoice yet`];
    const ahead =
      nextThreshold === null ? [] : [`  invoiced before the period ends when ${groupDigits(nextThreshold)} are owed for usage`];
    return [
      `${head}\n\n${table(CHARGE_COLUMNS, rows, sum)}`,
      ...[...billed, ...onInterims, ...open, ...ahead].map((line) => paint('dim', line)),
      '',
    ].join('\n');
  });
  const all = subscriptions.length === 1 ? [] : [`All subscriptions: ${paint('bold', `${groupDigits(total)} ${currency}`)}`];
  return [...sections, ...all, ...prepaidText(spend, terminal), asOfText].join('\n');
}

function prepaidText({ prepaid, currency }: Spend, terminal: Pick<Terminal, 'paint'>): string[] {
  if (prepaid === null || prepaid.units.length + prepaid.credits.length === 0) return [];
  const due = ['Due', '', '', `${groupDigits(prepaid.due)} ${currency}`].map((cell) => terminal.paint('bold', cell));
  return [table(GRANT_COLUMNS, prepaidRows(prepaid, terminal), due), ''];
}
