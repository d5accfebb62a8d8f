import type { RatedLine } from '../evaluation.ts';

/** What a sentence about a line is made of. */
export type ToldLine = Pick<RatedLine, 'quantity' | 'unitAmount' | 'amount' | 'tier' | 'facts' | 'context'>;
