import { CREDIT_REASONS, daysTold, type InvoiceDocument } from '@meterline/domain/invoices';
import type { Terminal } from '../terminal.ts';
import { groupDigits } from './digits.ts';
import { table } from './table.ts';

/** `GET /v1/credit-notes`. */
export interface CreditNoteSummary {
  readonly id: string;
  readonly number: string;
  readonly invoice: string;
  readonly customer: string;
  readonly treatment: 'credit' | 'refund';
  readonly currency: string;
  readonly amount: string;
}

export function creditNoteTable(notes: readonly CreditNoteSummary[]): string {
  return table(
    [
      { title: 'number' },
      { title: 'customer' },
      { title: 'of' },
      { title: 'as' },
      { title: 'amount', align: 'right' },
      { title: '' },
    ],
    notes.map(({ number, customer, invoice, treatment, amount, currency }) => [
      ...[number, customer, invoice, treatment],
      ...[groupDigits(amount), currency],
    ]),
  );
}

const LINE_COLUMNS = [
  { title: 'Position' },
  { title: 'Whole', align: 'right' },
  { title: 'Not used', align: 'right' },
  { title: 'Amount', align: 'right' },
] as const;

/** A credit note to read: what was not used of which fee, and what becomes of the money. */
export function creditNoteText(document: InvoiceDocument, { paint }: Pick<Terminal, 'paint'>): string {
  const { number, customer, plan, planVersion, period, currency, issuedAt, creditNote, prepaid } = document;
  if (creditNote === undefined) throw new Error(`${number} is no credit note`);
  const { invoice, lines, treatment, amount, grant, reason } = creditNote;
  const rows = lines.map(({ name, baseAmount, unused, inPeriod, unit, amount: own }) => [
    ...[paint('bold', name), baseAmount === null ? '' : groupDigits(baseAmount)],
    ...[`${unused} of ${inPeriod} ${unit}s`, groupDigits(own)],
  ]);
  const returned = (prepaid?.credits ?? []).map(({ name, amount: own }) => [`Back to ${name}`, '', '', groupDigits(own)]);
  const total = [treatment === 'refund' ? 'To be paid back' : 'Credited', '', '', `${groupDigits(amount)} ${currency}`];
  return [
    paint('bold', `Credit note ${number}`),
    `  for       ${customer.name} (${customer.key})`,
    `  plan      ${plan}, version ${planVersion}`,
    `  of        ${invoice}, ${daysTold(document, period)}`,
    `  because   ${CREDIT_REASONS[reason]}`,
    `  issued    ${issuedAt}`,
    ...(grant === null ? [] : [`  grant     ${grant}, which pays next invoices`]),
    '',
    table(
      LINE_COLUMNS,
      [...rows, ...returned],
      total.map((cell) => paint('bold', cell)),
    ),
  ].join('\n');
}
