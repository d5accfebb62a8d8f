import {
  feeLines,
  type InvoiceDocument,
  type InvoiceLine,
  type InvoiceThresholds,
  linesUnder,
  totalDue,
  totalOf,
} from '@meterline/domain/invoices';
import { add, compare, decimal } from '@meterline/domain/money';
import type { InvoiceStore } from '../ports/index.ts';
import { billedBeforeInvoice, drawingOfInvoice, type PrepaidEntries, type StatedPeriod } from '../prepaid/index.ts';
import { mayCarryOver, type PeriodToRate, type RatedPeriod, ratePeriods, type RatingPorts } from '../spend/index.ts';
import { type BilledAgain, billedAgain, billedDifferences, thresholdDifferences } from './billed-again.ts';
import { carriedAgain } from './carried-again.ts';
import { termsOfInvoice } from './draft.ts';
import { earlierOfIssued, keepsUnused } from './earlier-of-issued.ts';
import { invoiceOnLog, parseInvoice } from './parse-invoice.ts';
import { settledAgain } from './settled-again.ts';

export interface InvoiceCheck {
  readonly id: string;
  readonly number: string;
  /** What differs between the invoice and rating it again at its cut; empty if nothing does. */
  readonly differences: readonly string[];
}

export interface InvoiceAccounting {
  readonly invoices: number;
  /** Invoices whose lines, adjustments, commitments and total came out the same when rated again. */
  readonly reRated: number;
  readonly differing: readonly InvoiceCheck[];
}

const INVOICES_AT_A_TIME_MAX = 200;

/** Rates an issued invoice again at its own cut, with its own subjects, plan version and revisions of prices. */
export async function verifyInvoice(ports: RatingPorts, document: string): Promise<InvoiceCheck> {
  const [check] = await verifyTogether(ports, [parseInvoice({ document })]);
  if (check === undefined) throw new Error('an invoice was not verified');
  return check;
}

/** Verifies every invoice of every tenant. */
export async function invoiceAccounting(
  ports: RatingPorts & { readonly invoices: Pick<InvoiceStore, 'allInvoices'> },
): Promise<InvoiceAccounting> {
  const differing: InvoiceCheck[] = [];
  let invoices = 0;
  let after: string | null = null;
  do {
    const page = await ports.invoices.allInvoices({ after, limit: INVOICES_AT_A_TIME_MAX });
    // Invoices of one run share their cut, and then their usage queries.
    const together = Map.groupBy(page.items.map(invoiceOnLog), ({ tenant, cut }) => JSON.stringify([tenant, cut]));
    for (const group of together.values()) {
      const checks = await verifyTogether(ports, group);
      differing.push(...checks.filter((check) => check.differences.length > 0));
    }
    invoices += page.items.length;
    after = page.nextAfter;
  } while (after !== null);
  return { invoices, reRated: invoices - differing.length, differing };
}

/** Invoices of one tenant and one cut. */
async function verifyTogether(ports: RatingPorts, invoices: readonly InvoiceDocument[]): Promise<InvoiceCheck[]> {
  const [first] = invoices;
  if (first === undefined) return [];
  const keys = [...new Set(invoices.map(({ customer }) => customer.key))];
  // the zone of a customer that ever had a subscription stays
  const zones = new Map((await ports.accounts.accounts(keys, first.tenant)).map(({ key, timezone }) => [key, timezone]));
  const earlierOf = await earlierOfIssued(ports.invoices, invoices, first.tenant);
  const periods: { readonly invoice: InvoiceDocument; readonly number: string; readonly terms: PeriodToRate }[] = [];
  for (const invoice of invoices) {
    const { kind, currency, customer, tenant, interim } = invoice;
    const known = {
      subjects: customer.subjects,
      timezone: zones.get(customer.key) ?? 'UTC',
      priceRevision: invoice.priceRevision ?? 0,
      negotiated: { customer: customer.key, revision: invoice.negotiatedRevision ?? 0 },
    };
    const periodOf = (
      of: Pick<InvoiceDocument, 'plan' | 'planVersion' | 'phase' | 'period' | 'quantities' | 'changeFees'>,
      version = invoice.policy.version,
    ) => {
      const { commitments } = invoice;
      const stated = {
        ...of,
        ...(kind && { kind }),
        ...(interim && { interim }),
        currency,
        policy: { version },
        ...(commitments && { commitments }),
      };
      return termsOfInvoice(ports, stated, known, tenant);
    };
    if (ratesItsPeriod(invoice)) {
      const billed = billedBeforeInvoice(earlierOf(invoice), { keepsUnused: keepsUnused(invoice) });
      const prepaid = await drawingOfInvoice(ports.accounts, invoice, billed);
      periods.push({ invoice, number: invoice.number, terms: { ...(await periodOf(invoice)), prepaid } });
    }
    for (const earlier of adjustedPeriods(invoice)) {
      const { priceRevision = known.priceRevision } = earlier;
      const prepaid = coveredAsStated(invoice, earlier.invoice);
      const terms = { ...(await periodOf(earlier, earlier.policyVersion)), priceRevision, prepaid };
      periods.push({ invoice, number: earlier.invoice, terms });
    }
  }
  // Fees in advance, and what is given back of them, know no allowances.
  const mayCarry = new Set(
    periods
      .filter(({ invoice: { kind }, terms }) => (kind === undefined || kind === 'interim') && mayCarryOver(terms))
      .map(({ invoice }) => invoice),
  );
  const carriedOf = await carriedAgain(ports.invoices, mayCarry, first.tenant);
  const { rated } = await ratePeriods(
    ports,
    periods.map(({ invoice, number, terms }) => ({ ...terms, carried: { stated: carriedOf(invoice).stated(number) } })),
    first.tenant,
    first.cut,
  );
  const commitmentsOf = await settledAgain(ports.invoices, invoices, first.tenant);
  const thresholdsOf = await thresholdsOfIssued(ports, invoices);
  const results = rated.values();
  return invoices.map((invoice) => {
    const own = ratesItsPeriod(invoice) ? results.next().value : undefined;
    const earlier = adjustedPeriods(invoice).map(() => results.next().value?.lines ?? []);
    const before = billedAgain(invoice, own?.lines ?? [], earlierOf(invoice));
    const commitments = commitmentsOf(invoice, own?.lines ?? [], before);
    const found = differences(invoice, { own, earlier, commitments, before });
    const amount = amountDue(invoice, { lines: own?.lines ?? [], commitments, before });
    const levels = thresholdDifferences(invoice, thresholdsOf(invoice), { interims: earlierOf(invoice).interims, amount });
    return { id: invoice.id, number: invoice.number, differences: [...found, ...levels, ...carriedOf(invoice).differences] };
  });
}

/** Whether its lines are those of its period. */
function ratesItsPeriod({ kind }: InvoiceDocument): boolean {
  return kind !== 'advance' && kind !== 'credit_note';
}

/** The earlier periods an invoice settles, once each. */
function adjustedPeriods(invoice: InvoiceDocument): InvoiceDocument['adjustments'][number][] {
  return [...new Map(invoice.adjustments.map((adjustment) => [adjustment.invoice, adjustment])).values()];
}

/** What packs cover of an earlier period as the invoice settles it. */
function coveredAsStated({ adjustments }: InvoiceDocument, earlier: string): StatedPeriod {
  const covered = adjustments
    .filter(({ invoice }) => invoice === earlier)
    .flatMap(({ key, name, covered: quantity, coveredParts }) =>
      quantity === undefined ? [] : [[key, { packs: [{ name, quantity }], parts: coveredParts ?? [quantity] }] as const],
    );
  return { covered: new Map(covered) };
}

/** What the invoice's own period takes from grants, by the ledger as it stood, against what it says. */
function prepaidDifferences({ prepaid, currency }: InvoiceDocument, drawn: PrepaidEntries | undefined): string[] {
  const own = {
    units: (prepaid?.units ?? []).filter(({ adjusts }) => adjusts === null),
    credits: (prepaid?.credits ?? []).filter(({ adjusts }) => adjusts === null),
  };
  const found = (['units', 'credits'] as const).filter(
    (kind) => JSON.stringify(own[kind]) !== JSON.stringify(drawn?.[kind] ?? []),
  );
  const credited = totalOf(prepaid?.credits ?? [], currency);
  const sums =
    prepaid === undefined || prepaid.credited === credited
      ? []
      : [`credited: issued ${prepaid.credited}, credits are ${credited}`];
  const drawings = found.map(
    (kind) => `prepaid ${kind}: issued ${JSON.stringify(own[kind])}, drawn again ${JSON.stringify(drawn?.[kind] ?? [])}`,
  );
  return [...drawings, ...sums];
}

interface RatedAgain {
  readonly own: RatedPeriod | undefined;
  readonly earlier: readonly (readonly InvoiceLine[])[];
  readonly commitments: InvoiceDocument['commitments'] | undefined;
  readonly before: BilledAgain;
}

function differences(invoice: InvoiceDocument, { own, earlier, commitments, before }: RatedAgain): string[] {
  const lines = invoice.kind === 'fee' ? feeLines(own?.lines ?? []) : (own?.lines ?? []);
  const found: string[] = [];
  // As text: the claim is the same bytes, not merely the same amounts.
  if (JSON.stringify(linesUnder(invoice.policy, lines)) !== JSON.stringify(invoice.lines))
    found.push(`lines: issued ${summary(invoice.lines)}, rated again ${summary(lines)}`);
  for (const adjustment of invoice.adjustments) {
    const period = adjustedPeriods(invoice).findIndex((each) => each.invoice === adjustment.invoice);
    const line = earlier[period]?.find(({ key }) => key === adjustment.key);
    const rated = line?.amount;
    const addsUp =
      compare(add(decimal(adjustment.billedAmount), decimal(adjustment.amount)), decimal(adjustment.ratedAmount)) === 0;
    if (rated !== adjustment.ratedAmount || !addsUp) {
      found.push(
        `adjustment of ${adjustment.invoice} ${adjustment.key}: issued ${adjustment.ratedAmount}, rated again ${rated ?? 'nothing'}`,
      );
    }
    const { carriedOver: left } = adjustment;
    if (left !== line?.carriedOver)
      found.push(
        `adjustment of ${adjustment.invoice} ${adjustment.key}: issued ${left ?? 'nothing'} left over, rated again ${line?.carriedOver ?? 'nothing'}`,
      );
  }
  found.push(...prepaidDifferences(invoice, own?.prepaid));
  if (JSON.stringify(commitments) !== JSON.stringify(invoice.commitments))
    found.push(`commitments: issued ${settled(invoice.commitments)}, settled again ${settled(commitments)}`);
  found.push(...billedDifferences(invoice, before));
  const total = amountDue(invoice, { lines, commitments, before }, invoice.prepaid);
  if (total !== invoice.total) found.push(`total: issued ${invoice.total}, rated again ${total}`);
  return found;
}

/** What an invoice should ask for: before credits, or less what they paid. */
function amountDue(
  { adjustments, currency, interim }: InvoiceDocument,
  { lines, commitments = [], before }: Pick<RatedAgain, 'commitments' | 'before'> & Pick<InvoiceDocument, 'lines'>,
  prepaid?: InvoiceDocument['prepaid'],
): string {
  const { part: _part, heldBack, ...off } = before;
  const held = interim && { interim: { ...interim, heldBack } };
  return totalDue({ lines, ...off, adjustments, commitments, ...(prepaid && { prepaid }), ...held }, currency);
}

/** Answers the levels of the plan versions that interim invoices are under; null for any other. */
async function thresholdsOfIssued(
  { accounts }: Pick<RatingPorts, 'accounts'>,
  invoices: readonly InvoiceDocument[],
): Promise<(invoice: InvoiceDocument) => InvoiceThresholds | null> {
  const found = new Map<InvoiceDocument, InvoiceThresholds | null>();
  for (const invoice of invoices) {
    const { kind, plan, planVersion: version, phase, tenant } = invoice;
    if (kind !== 'interim') continue;
    found.set(invoice, (await accounts.pricesOf({ plan, version }, phase?.key ?? null, tenant)).invoiceThresholds);
  }
  return (invoice) => found.get(invoice) ?? null;
}

function settled(commitments: InvoiceDocument['commitments'] = []): string {
  const lines = commitments.flatMap((settlement) => settlement.lines);
  return lines.map(({ kind, amount }) => `${kind} ${amount}`).join(', ') || 'nothing';
}

function summary(lines: readonly InvoiceLine[]): string {
  return lines.map((line) => `${line.key} ${line.quantity} = ${line.amount}`).join(', ') || 'nothing';
}
