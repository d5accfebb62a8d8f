import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { Modifiers } from '../../prices/index.ts';
import type { Line } from '../line.ts';

/** The modifiers that look at money, their numbers read. */
export interface MoneyTerms {
  readonly maximum: Limit | null;
  readonly minimum: Limit | null;
  readonly credits: readonly string[];
}

/** As it is written, and what it is worth. */
export interface Limit {
  readonly text: string;
  readonly amount: Ratio;
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

export function moneyTermsOf({ maximumSpend, minimumSpend, credits = [] }: Modifiers): MoneyTerms {
  const limitOf = (text: string | undefined) => (text === undefined ? null : { text, amount: ratio.read(text) });
  return { maximum: limitOf(maximumSpend), minimum: limitOf(minimumSpend), credits };
}
