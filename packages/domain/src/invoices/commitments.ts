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

type Amount = Pick<InvoiceLine, 'key' | 'amount'>;

/** What charges there are, and of which period. */
interface Charges extends Pick<InvoiceDocument, 'kind' | 'lines' | 'billedInAdvance' | 'interim' | 'adjustments'> {
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
 * minimum that is paid in advance at once; else they count with the invoice of their period, which has them among its lines. Usage counts as soon as an
 * interim invoice has it.
 */
export function settleTerm({ commitment, currency, term, elapsedDays, issued, now }: TermToSettle): CommitmentSettlement {
  const drawsFees = commitment.trueUp === 'in_advance';
  const lines = isWithin(term, now.period) ? spentOn(now, currency, { drawsFees }) : [];
  const charges = countedCharges([...issued, now], { drawsFees });
  return settleCommitment({
    commitment,
    currency,
    term,
    elapsedDays,
    spend: charges.reduce(
      (sum, each) => add(sum, spendIn(term, { ...each, lines: spentOn(each, currency, { drawsFees }) })),
      ZERO,
    ),
    settledBefore: settledIn(term, issued),
    lines,
  });
}

/**
 * Once a period has its invoice that alone counts, as it holds all of its lines. Until then its last interim invoice, which holds those of the others, and
 * its fees that are no part of it.
 */
function countedCharges(charges: readonly Charges[], { drawsFees }: { readonly drawsFees: boolean }): Charges[] {
  return [...Map.groupBy(charges, ({ period }) => period.from).values()].flatMap((own) => {
    const invoices = own.filter(({ kind }) => kind === undefined);
    if (invoices.length > 0) return invoices;
    const interim = own.findLast(({ kind }) => kind === 'interim');
    const fees = drawsFees ? own.filter(({ kind }) => kind === 'fee' || kind === 'credit_note') : [];
    if (interim === undefined) return fees;
    const keys = new Set(interim.lines.map(({ key }) => key));
    const isOther = ({ key }: { readonly key: string }) => !keys.has(key);
    const others = fees.map((fee) => ({
      ...fee,
      lines: fee.lines.filter(isOther),
      adjustments: fee.adjustments.filter(isOther),
    }));
    return [...others, interim];
  });
}

/** Of an interim invoice also what it holds back, as it stays billed; but no fees that count with the invoice of the period. */
function spentOn(
  { lines, billedInAdvance = [], interim }: Charges,
  currency: string,
  { drawsFees }: { readonly drawsFees: boolean },
): Amount[] {
  if (interim === undefined) return [...lines];
  const fees = drawsFees ? [] : billedInAdvance;
  return lines.map(({ key, amount }) => {
    const isOf = (each: Amount) => each.key === key;
    const [held, elsewhere] = [interim.heldBack, fees].map((amounts) => decimal(totalOf(amounts.filter(isOf), currency)));
    return { key, amount: formatMoney(subtract(add(decimal(amount), held ?? ZERO), elsewhere ?? ZERO), currency) };
  });
}

type Due = Pick<
  InvoiceDocument,
  'lines' | 'billedInAdvance' | 'billedOnInterims' | 'interim' | 'adjustments' | 'commitments' | 'prepaid'
>;

/**
 * Sum of everything an invoice charges, all of it rounded already, less what was billed before and what credits paid (below zero where they got
 * something back).
 */
export function totalDue(due: Due, currency: string): string {
  const { lines, billedInAdvance = [], billedOnInterims = [], interim, adjustments, commitments = [], prepaid } = due;
  const settled = commitments.flatMap((settlement) => settlement.lines);
  const charged = decimal(totalOf([...lines, ...adjustments, ...settled, ...(interim?.heldBack ?? [])], currency));
  const total = subtract(charged, decimal(totalOf([...billedInAdvance, ...billedOnInterims], currency)));
  return formatMoney(prepaid === undefined ? total : subtract(total, decimal(prepaid.credited)), currency);
}

function spendIn(
  term: CommitmentTerm,
  { period, lines, adjustments }: Pick<Charges, 'period' | 'adjustments'> & { readonly lines: readonly Amount[] },
): Decimal {
  const own: readonly Pick<Amount, 'amount'>[] = isWithin(term, period) ? lines : [];
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
