import {
  type Commitment,
  type CommitmentSettlement,
  type CommitmentTerm,
  type Settled,
  settleCommitment,
  type SettlementKind,
} from '../commitments/index.ts';
import { add, decimal, type Decimal, formatDecimal, formatMoney, subtract, ZERO } from '../money/index.ts';
import { formatInstant, parseInstantMs } from '../time/index.ts';
import { totalOf } from './adjustments.ts';
import type { InvoiceDocument, InvoiceLine } from './document.ts';

/** What charges there are, and of which period. */
interface Charges extends Pick<InvoiceDocument, 'kind' | 'lines' | 'adjustments'> {
  readonly period: { readonly from: string };
}

export type IssuedCharges = Charges & Pick<InvoiceDocument, 'commitments'>;

export interface TermToSettle {
  readonly commitment: Commitment;
  readonly currency: string;
  readonly term: CommitmentTerm;
  /** Local days of the term up to the end of what is billed. */
  readonly elapsedDays: number;
  /** Invoices of the subscription that were issued before; those of other terms do not matter. */
  readonly issued: readonly IssuedCharges[];
  /** What is billed now, of this term and of others. */
  readonly now: Charges;
}

/**
 * Settles the commitment of one term: all its lines and adjustments count as spend, whichever invoice they are on. Fees billed in advance draw on a
 * minimum that is paid in advance at once; else they count with the invoice of their period, which has them among its lines.
 */
export function settleTerm({ commitment, currency, term, elapsedDays, issued, now }: TermToSettle): CommitmentSettlement {
  const lines = isWithin(term, now.period) ? now.lines : [];
  const charges = commitment.trueUp === 'in_advance' ? withoutSettledFees([...issued, now]) : [...issued, now].filter(isNoFee);
  return settleCommitment({
    commitment,
    currency,
    term,
    elapsedDays,
    spend: charges.reduce((sum, invoice) => add(sum, spendIn(term, invoice)), ZERO),
    settledBefore: settledIn(term, issued),
    lines,
  });
}

function isNoFee({ kind }: Charges): boolean {
  return kind !== 'fee' && kind !== 'credit_note';
}

/** The fees of a period are among the lines of its invoice, once that is there. */
function withoutSettledFees(charges: readonly Charges[]): readonly Charges[] {
  const settled = new Set(charges.filter(({ kind }) => kind === undefined).map(({ period }) => period.from));
  return charges.filter((each) => isNoFee(each) || !settled.has(each.period.from));
}

type Due = Pick<InvoiceDocument, 'lines' | 'billedInAdvance' | 'adjustments' | 'commitments' | 'prepaid'>;

/**
 * Sum of everything an invoice charges, all of it rounded already, less what was billed in advance and what credits paid (below zero where they got
 * something back).
 */
export function totalDue({ lines, billedInAdvance = [], adjustments, commitments = [], prepaid }: Due, currency: string): string {
  const settled = commitments.flatMap((settlement) => settlement.lines);
  const charged = decimal(totalOf([...lines, ...adjustments, ...settled], currency));
  const total = subtract(charged, decimal(totalOf(billedInAdvance, currency)));
  return formatMoney(prepaid === undefined ? total : subtract(total, decimal(prepaid.credited)), currency);
}

function spendIn(term: CommitmentTerm, { period, lines, adjustments }: Charges): Decimal {
  const own: readonly Pick<InvoiceLine, 'amount'>[] = isWithin(term, period) ? lines : [];
  const late = adjustments.filter((adjustment) => isWithin(term, adjustment.period));
  return [...own, ...late].reduce((sum, { amount }) => add(sum, decimal(amount)), ZERO);
}

function settledIn(term: CommitmentTerm, issued: readonly IssuedCharges[]): Settled {
  // A term is known by its beginning: its end moves when the subscription ends.
  const from = formatInstant(term.fromMs);
  const lines = issued
    .flatMap(({ commitments = [] }) => commitments)
    .filter((settlement) => settlement.term.from === from)
    .flatMap((settlement) => settlement.lines);
  const sumOf = (kind: SettlementKind) =>
    formatDecimal(lines.filter((line) => line.kind === kind).reduce((sum, { amount }) => add(sum, decimal(amount)), ZERO));
  return { fee: sumOf('fee'), cap: sumOf('cap'), drawdown: sumOf('drawdown'), true_up: sumOf('true_up') };
}

function isWithin({ fromMs, toMs }: CommitmentTerm, { from }: { readonly from: string }): boolean {
  const ms = parseInstantMs(from) ?? NaN;
  return fromMs <= ms && ms < toMs;
}
