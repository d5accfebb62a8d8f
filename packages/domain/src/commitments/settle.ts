import {
  add,
  currencyExponent,
  decimal,
  formatMoney,
  isZero,
  max,
  min,
  negate,
  prorate,
  subtract,
  ZERO,
} from '../money/index.ts';
import type { Decimal } from '../money/index.ts';
import { formatInstant } from '../time/index.ts';
import type { Commitment } from './commitment.ts';
import { type CapShare, capShares } from './shares.ts';
import type { CommitmentTerm } from './term.ts';

/**
 * - `fee`: the minimum, invoiced in advance
 * - `drawdown`: what of the spend that fee has paid (negative)
 * - `true_up`: what spend is short of the minimum
 * - `cap`: what spend is beyond the maximum (negative)
 */
export const SETTLEMENT_KINDS = ['fee', 'cap', 'drawdown', 'true_up'] as const;
export type SettlementKind = (typeof SETTLEMENT_KINDS)[number];

/** Money by kind, decimal text with the currency's digits. */
export type Settled = Readonly<Record<SettlementKind, string>>;

export const NOTHING_SETTLED: Settled = { fee: '0', cap: '0', drawdown: '0', true_up: '0' };

export interface CommitmentLine {
  readonly kind: SettlementKind;
  readonly description: string;
  /** `due` for the term so far less what was settled before. */
  readonly amount: string;
  /** Of a `cap`: how the amount is shared out over the lines of this period, by largest remainder. */
  readonly shares?: readonly CapShare[];
}

/** What a commitment does to one invoice, or to live spend. Instants are RFC 3339, money is decimal text with the currency's digits. */
export interface CommitmentSettlement {
  readonly commitment: Commitment;
  readonly term: { readonly from: string; readonly to: string; readonly days: number; readonly daysInTerm: number };
  /** Local days of the term up to the end of the billing period. */
  readonly elapsedDays: number;
  /** Minimum and maximum of the term: the share of its days. */
  readonly minimum: string | null;
  readonly maximum: string | null;
  /** Of the term so far, this period included, before the commitment. */
  readonly spend: string;
  /** What is due by kind for the term so far, and what of it earlier invoices settled. */
  readonly due: Settled;
  readonly settledBefore: Settled;
  /** Of a minimum paid in advance: what is not drawn yet. */
  readonly remaining: string | null;
  /** Differences of `due` and `settledBefore`, but for zeros. */
  readonly lines: readonly CommitmentLine[];
}

export interface SettlementInput {
  readonly commitment: Commitment;
  readonly currency: string;
  readonly term: CommitmentTerm;
  readonly elapsedDays: number;
  /** Rounded amounts of all lines of the term so far. */
  readonly spend: Decimal;
  readonly settledBefore: Settled;
  /** Lines of the billing period, which share a cap. */
  readonly lines: readonly { readonly key: string; readonly amount: string }[];
}

/**
 * Settles a commitment up to the end of a billing period. What is due depends on the spend of the whole term so far, and what was settled before
 * is taken off: so late usage below the minimum changes nothing to pay, and a term settled in parts comes to what it comes to at once.
 */
export function settleCommitment(input: SettlementInput): CommitmentSettlement {
  const { commitment, currency, term, elapsedDays, spend, settledBefore } = input;
  const money = (amount: Decimal) => formatMoney(amount, currency);
  const limits = limitsOf(input);
  const dueOf = dues(input, limits);
  const byKind = (amountOf: (kind: SettlementKind) => string): Settled => ({
    fee: amountOf('fee'),
    cap: amountOf('cap'),
    drawdown: amountOf('drawdown'),
    true_up: amountOf('true_up'),
  });
  return {
    commitment,
    term: { from: formatInstant(term.fromMs), to: formatInstant(term.toMs), days: term.days, daysInTerm: term.daysInTerm },
    elapsedDays,
    minimum: limits.minimum && money(limits.minimum),
    maximum: limits.maximum && money(limits.maximum),
    spend: money(spend),
    due: byKind((kind) => money(dueOf[kind])),
    settledBefore: byKind((kind) => money(decimal(settledBefore[kind]))),
    remaining: commitment.trueUp === 'in_advance' ? money(add(dueOf.fee, dueOf.drawdown)) : null,
    lines: SETTLEMENT_KINDS.flatMap((kind) => {
      const amount = subtract(dueOf[kind], decimal(settledBefore[kind]));
      if (isZero(amount)) return [];
      const shares = kind === 'cap' ? capShares(amount, input.lines, currency) : undefined;
      return { kind, description: describe(kind, input, limits), amount: money(amount), ...(shares && { shares }) };
    }),
  };
}

interface Limits {
  readonly minimum: Decimal | null;
  readonly maximum: Decimal | null;
}

function limitsOf({ commitment, currency, term }: SettlementInput): Limits {
  const share = (amount: string | undefined) =>
    amount === undefined ? null : shareOf(amount, term.days, term.daysInTerm, currency);
  return { minimum: share(commitment.minimumSpend), maximum: share(commitment.maximumSpend) };
}

/** Rounded once, half away from zero. */
function shareOf(amount: string, days: number, daysInTerm: number, currency: string): Decimal {
  return prorate(decimal(amount), BigInt(days), BigInt(daysInTerm), currencyExponent(currency));
}

function dues(input: SettlementInput, { minimum, maximum }: Limits): Record<SettlementKind, Decimal> {
  const { commitment, currency, term, elapsedDays, spend } = input;
  const excess = maximum === null ? ZERO : max(subtract(spend, maximum), ZERO);
  const capped = subtract(spend, excess);
  const none = { fee: ZERO, cap: negate(excess), drawdown: ZERO, true_up: ZERO };
  if (minimum === null || commitment.minimumSpend === undefined) return none;
  switch (commitment.trueUp) {
    case 'in_advance':
      return { ...none, fee: minimum, drawdown: negate(min(max(capped, ZERO), minimum)) };
    case 'term_end':
      return { ...none, true_up: elapsedDays < term.days ? ZERO : max(subtract(minimum, capped), ZERO) };
    case 'period_end':
    case undefined: {
      const soFar = shareOf(commitment.minimumSpend, elapsedDays, term.daysInTerm, currency);
      return { ...none, true_up: max(subtract(soFar, capped), ZERO) };
    }
  }
}

function describe(
  kind: SettlementKind,
  { commitment, term, elapsedDays, currency, spend }: SettlementInput,
  limits: Limits,
): string {
  const { minimumSpend = '0', maximumSpend = '0', every, trueUp } = commitment;
  const span = every === 'year' ? 'a year' : 'a billing period';
  const share = (days: number) => (days === term.daysInTerm ? '' : `, ${days} of ${term.daysInTerm} days`);
  const money = (amount: Decimal | null) => formatMoney(amount ?? ZERO, currency);
  switch (kind) {
    case 'fee':
      return `Committed spend of ${minimumSpend} ${span}${share(term.days)}: ${money(limits.minimum)}`;
    case 'drawdown':
      return `Drawn from the committed ${money(limits.minimum)} for a spend of ${money(spend)}`;
    case 'true_up': {
      const days = trueUp === 'term_end' ? term.days : elapsedDays;
      const due = shareOf(minimumSpend, days, term.daysInTerm, currency);
      return `Raised to the minimum of ${minimumSpend} ${span}${share(days)}: ${money(due)} less a spend of ${money(spend)}`;
    }
    case 'cap':
      return `Capped at the maximum of ${maximumSpend} ${span}${share(term.days)}: ${money(limits.maximum)} of a spend of ${money(spend)}`;
  }
}
