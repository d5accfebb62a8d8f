import {
  cardsOnInterims,
  earlierDocuments,
  heldBack,
  type InvoiceDocument,
  reachedWith,
  takenOff,
  totalDue,
} from '@meterline/domain/invoices';
import { formatInstant, parseInstantMs } from '@meterline/domain/time';
import type { Cut } from '../ports/index.ts';
import { billedBeforeInvoice, invoiceGrants } from '../prepaid/index.ts';
import { carriedStates, periodToRate, ratePeriods, type RatingPorts } from '../spend/index.ts';
import { countOf, type DuePeriod } from './draft.ts';
import { type InvoiceContent, periodDocument } from './invoice-draft.ts';
import { settledWithin } from './settlements.ts';

/** A period that goes on, of which usage is to be invoiced. */
export interface DueInterim extends DuePeriod {
  /** Up to this instant. */
  readonly usageToMs: number;
}

export type InterimContent = InvoiceContent & { readonly interim: NonNullable<InvoiceDocument['interim']> };

/** The instant up to which the usage of the period is on interim invoices. */
export function invoicedToMs({ period, earlier }: DuePeriod): number {
  const last = earlierDocuments(earlier, formatInstant(period.fromMs)).interims.at(-1);
  return parseInstantMs(last?.interim?.usageTo ?? '') ?? period.fromMs;
}

/**
 * What interim invoices of these periods say, at the cut (absent: the committed one of this moment): the usage so far, less what was billed of the
 * period before, so that all documents of a period come to what its invoice alone would.
 */
export async function interimContents(
  ports: RatingPorts,
  due: readonly DueInterim[],
  tenant: string,
  cut?: Cut,
): Promise<{ contents: InterimContent[]; cut: Cut }> {
  const parties = due.map(({ account, terms }) => ({ customer: account.key, currency: terms.currency }));
  const grants = await invoiceGrants(ports.accounts, parties, tenant);
  const carried = await carriedStates(ports, new Map(due.map(({ terms, account }) => [terms, account])), tenant);
  const billing = due.map((each, index) => {
    const { account, terms, period, usageToMs } = each;
    const documents = earlierDocuments(each.earlier, periodDocument(period).from);
    const left = carried.get(terms);
    const toRate = {
      ...periodToRate(terms, account, period),
      rateCards: cardsOnInterims(terms.rateCards),
      changeFees: [],
      usageToMs,
      ...(left?.billedThroughMs === period.fromMs && { carried: { stated: left.stated } }),
      prepaid: grants.drawing(index, billedBeforeInvoice(documents, { keepsUnused: false })),
    };
    return { ...each, documents, toRate };
  });
  const { rated, cut: ratedAt } = await ratePeriods(ports, billing.map(({ toRate }) => toRate), tenant, cut); // prettier-ignore
  const contents = billing.map(({ documents, toRate: _toRate, usageToMs, ...each }, index): InterimContent => {
    const { account, terms, period } = each;
    const { currency } = terms;
    const { interims } = documents;
    const lines = rated[index]?.lines ?? [];
    const off = takenOff(lines, documents, { kind: 'interim', keepsUnused: false, currency });
    const held = heldBack(lines, [...(off.billedInAdvance ?? []), ...(off.billedOnInterims ?? [])], currency);
    const interim = { part: interims.length + 1, usageTo: formatInstant(usageToMs), heldBack: held };
    const charges = { kind: 'interim', lines, ...off, adjustments: [], interim } as const;
    const commitments = settledWithin(each, charges);
    const amount = totalDue({ ...charges, commitments }, currency);
    const reached = reachedWith(terms.invoiceThresholds, { interims, amount }, currency);
    const prepaid = grants.drafted(index, [rated[index]?.prepaid]);
    const of = { account, terms, period, commitments, prepaid, earlier: countOf(documents) };
    return { ...charges, ...of, interim: { ...interim, ...reached } };
  });
  return { contents, cut: ratedAt };
}
