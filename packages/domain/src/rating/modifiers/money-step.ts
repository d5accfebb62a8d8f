import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { Modifiers } from '../../prices/index.ts';
import type { Line } from '../line.ts';
import type { Proration } from '../usage.ts';

/** The modifiers that look at money, their numbers read. */
export interface MoneyTerms {
  readonly maximum: Limit | null;
  readonly minimum: Limit | null;
  readonly credits: readonly string[];
}

/** As it is written, and what it is worth; `share` is that of a period which it holds for in part. */
export interface Limit {
  readonly text: string;
  readonly amount: Ratio;
  readonly share?: Proration | undefined;
}

/** What such a modifier needs to know of the billing period beside the charge. */
export interface Bill {
  /** Money billed before in this period, before credits, and what credits paid of it. */
  readonly previousAmount: Ratio;
  readonly previousCredits: Ratio;
  /** Nothing more will be charged for this period. */
  readonly ends: boolean;
}

export type MoneyStep = (lines: readonly Line[], terms: MoneyTerms, bill: Bill) => readonly Line[];

/** What a limit comes to for a share of the period; 0 of a period without anything to share. */
export function shareOfLimit({ text, amount }: Limit, share: Proration): Limit {
  return { text, amount: share.denominator === 0n ? ratio.ZERO : ratio.multiply(amount, share), share };
}

export function shareOfLimits(terms: MoneyTerms, share: Proration): MoneyTerms {
  const { maximum, minimum } = terms;
  return { ...terms, maximum: maximum && shareOfLimit(maximum, share), minimum: minimum && shareOfLimit(minimum, share) };
}

export function moneyTermsOf({ maximumSpend, minimumSpend, credits = [] }: Modifiers): MoneyTerms {
  const limitOf = (text: string | undefined) => (text === undefined ? null : { text, amount: ratio.read(text) });
  return { maximum: limitOf(maximumSpend), minimum: limitOf(minimumSpend), credits };
}
