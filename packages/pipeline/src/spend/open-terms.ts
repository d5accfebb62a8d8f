import type { Commitment, CommitmentSettlement, CommitmentTerm } from '@meterline/domain/commitments';
import { type InvoiceDocument, type InvoiceLine, type IssuedCharges, settleTerm } from '@meterline/domain/invoices';
import { isZero, decimal } from '@meterline/domain/money';
import { type BillingPeriod, billingPeriods } from '@meterline/domain/subscriptions';
import { formatInstant } from '@meterline/domain/time';
import { elapsedDays, termOf } from '../commitments/index.ts';
import { parseInvoice } from '../invoices/parse-invoice.ts';
import type { Account, InvoiceStore, SubscriptionTerms } from '../ports/index.ts';
import { spanOf } from './span.ts';

/** A billing period that is going on. */
export interface ActivePeriod {
  readonly account: Account;
  readonly terms: SubscriptionTerms;
  readonly period: BillingPeriod;
}

/** The term of a commitment that an active period lies in, with what came before the period. */
export interface OpenTerm {
  readonly commitment: Commitment;
  readonly term: CommitmentTerm;
  readonly issued: readonly InvoiceDocument[];
  /** Periods of the term that have ended and wait for their invoice. */
  readonly unbilled: readonly BillingPeriod[];
}

/** For each active period its open term, or undefined without a commitment. */
export async function openTerms(
  invoices: Pick<InvoiceStore, 'issuedSince'>,
  active: readonly ActivePeriod[],
  tenant: string,
): Promise<(OpenTerm | undefined)[]> {
  const agreed = active.map(({ account, terms, period }) => {
    const { commitment } = terms;
    return commitment === null ? undefined : { commitment, term: termOf({ account, terms, commitment }, period.fromMs) };
  });
  // A commitment of the period alone, settled when it ends, has nothing before it.
  const looking = active.filter((_, index) => {
    const open = agreed[index];
    return open !== undefined && (open.commitment.every === 'year' || open.commitment.trueUp === 'in_advance');
  });
  const sinceMs = Math.min(...agreed.map((open) => open?.term.fromMs ?? Infinity));
  const stored =
    looking.length === 0 ? [] : await invoices.issuedSince([...new Set(looking.map(({ terms }) => terms.id))], sinceMs, tenant);
  const bySubscription = Map.groupBy(stored, (invoice) => invoice.subscription);
  return active.map(({ account, terms, period }, index) => {
    const open = agreed[index];
    if (open === undefined) return undefined;
    const own = bySubscription.get(terms.id) ?? [];
    const billedThroughMs = Math.max(
      open.term.fromMs,
      ...own.filter(({ kind }) => kind === 'period').map(({ periodToMs }) => periodToMs),
    );
    const unbilled =
      open.term.fromMs === period.fromMs
        ? []
        : billingPeriods(terms.cadence, spanOf(terms, account), { untilMs: period.fromMs }).filter(
            ({ fromMs }) => fromMs >= billedThroughMs,
          );
    // What interim invoices of the active period settled is settled with it again, as a whole.
    const before = own.filter(({ kind, periodFromMs }) => kind !== 'interim' || periodFromMs !== period.fromMs);
    return { ...open, issued: before.map(parseInvoice), unbilled };
  });
}

/** A billing period with its rated lines. */
interface Billed {
  readonly period: BillingPeriod;
  readonly lines: readonly InvoiceLine[];
}

/** What the commitment adds to the active period: what its invoice would say if it ended now. `before`: the unbilled periods, rated. */
export function liveSettlement(
  { commitment, term, issued }: OpenTerm,
  { account, terms }: Pick<ActivePeriod, 'account' | 'terms'>,
  before: readonly Billed[],
  active: Billed,
): CommitmentSettlement {
  const settle = (charges: readonly IssuedCharges[], { period, lines }: Billed) => {
    const now = { period: { from: formatInstant(period.fromMs) }, lines, adjustments: [] };
    const days = elapsedDays(term, period.toMs, account.timezone);
    return {
      ...now,
      settlement: settleTerm({ commitment, currency: terms.currency, term, elapsedDays: days, issued: charges, now }),
    };
  };
  const charges = before.reduce<readonly IssuedCharges[]>((so, billed) => {
    const { settlement, ...now } = settle(so, billed);
    return [...so, { ...now, commitments: [settlement] }];
  }, issued);
  const { settlement } = settle(charges, active);
  // A fee that waits for its invoice is no spend of the period: it is invoiced by itself.
  const lines = settlement.lines.filter(({ kind }) => kind !== 'fee' || !isZero(decimal(settlement.settledBefore.fee)));
  return { ...settlement, lines };
}
