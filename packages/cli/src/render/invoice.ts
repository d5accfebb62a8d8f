import {
  billedDays,
  type BilledOnInterim,
  daysTold,
  dayTold,
  type InterimTerms,
  type InvoiceAdjustment,
  type InvoiceDocument,
  untilTold,
} from '@meterline/domain/invoices';
import type { Terminal } from '../terminal.ts';
import { CHARGE_COLUMNS, chargeRows } from './charges.ts';
import { commitmentRows } from './commitments.ts';
import { groupDigits } from './digits.ts';
import { prepaidRows } from './prepaid.ts';
import { table } from './table.ts';

/** An invoice to read: what for, every line with its tiers, and the total. */
export function invoiceText(invoice: InvoiceDocument, terminal: Pick<Terminal, 'paint'>): string {
  const { paint } = terminal;
  const { number, customer, period, currency, interim } = invoice;
  const rows = [
    ...invoice.lines.flatMap((line) => chargeRows(line, terminal)),
    ...(invoice.billedInAdvance ?? []).map((each) => billedRow(each, 'in advance')),
    ...(invoice.billedOnInterims ?? []).map((each) => billedRow(each, 'within the period')),
    ...(interim?.heldBack ?? []).map(({ name, amount }) => [
      `${name}, settled when the period ends`,
      '',
      '',
      groupDigits(amount),
    ]),
    ...invoice.adjustments.flatMap((each) => adjustmentRows(invoice, each, terminal)),
    ...(invoice.commitments ?? []).flatMap((each) => commitmentRows(each, terminal)),
    ...(invoice.prepaid === undefined ? [] : prepaidRows(invoice.prepaid, terminal)),
  ];
  const total = ['Total', '', '', `${groupDigits(invoice.total)} ${currency}`].map((cell) => paint('bold', cell));
  return [
    paint('bold', `Invoice ${number}`),
    `  for       ${customer.name} (${customer.key})`,
    `  plan      ${invoice.plan}, version ${invoice.planVersion}${invoice.phase ? `, ${invoice.phase.name}` : ''}`,
    `  period    ${daysTold(invoice, period)} (${billedDays(period)})`,
    ...(interim
      ? [`  interim   number ${interim.part}: the usage to ${untilTold(invoice, interim.usageTo)}, less what was billed before`]
      : []),
    ...(interim?.threshold === undefined ? [] : [`  reached   ${reachedText(interim, currency)}`]),
    `  issued    ${invoice.issuedAt}`,
    invoice.kind === 'advance' || invoice.kind === 'fee'
      ? '  before    anything is used'
      : `  from      the event log up to offset ${invoice.cut.join(', ')}`,
    '',
    table(CHARGE_COLUMNS, rows, total),
  ].join('\n');
}

function reachedText({ threshold = '', reached = '' }: InterimTerms, currency: string): string {
  return `the threshold of ${groupDigits(threshold)} ${currency}: ${groupDigits(reached)} owed for the period so far`;
}

/** What was billed before: it is taken off. */
function billedRow({ name, invoice, amount }: BilledOnInterim, when: string): string[] {
  const taken = amount.startsWith('-') ? amount.slice(1) : `-${amount}`;
  return [`${name}, billed ${when} on ${invoice}`, '', '', groupDigits(taken)];
}

function adjustmentRows(
  document: InvoiceDocument,
  adjustment: InvoiceAdjustment,
  { paint }: Pick<Terminal, 'paint'>,
): string[][] {
  const { name, invoice, period, quantity, ratedAmount, billedAmount, amount, carriedOver } = adjustment;
  return [
    [
      paint('bold', `${name}, late usage from ${dayTold(document, period.from)}`),
      groupDigits(quantity),
      '',
      paint('bold', groupDigits(amount)),
    ],
    [paint('dim', `  ${groupDigits(ratedAmount)} now, less ${groupDigits(billedAmount)} on ${invoice}`)],
    ...(carriedOver === undefined ? [] : [[paint('dim', `  ${groupDigits(carriedOver)} of its allowance left now`)]]),
  ];
}
