import type { InvoiceDocument } from '@meterline/domain/invoices';
import { type GrantBalance, moved, newBalance } from '@meterline/domain/prepaid';
import { type BillingPorts, parseInvoice } from '../invoices/index.ts';
import type { Account, CustomerPrepaid, InvoiceDraft, StoredInvoice } from '../ports/index.ts';
import type { RatingPorts } from '../spend/index.ts';

export interface RehearsalPorts extends RatingPorts, Pick<BillingPorts, 'log'> {}

/** Ports by which one subscription can be billed as if it were so, and later than now: they know of no other. Nothing is written. */
export interface Rehearsal {
  /** At an instant that is not before that of the call before. */
  portsAt(nowMs: number): BillingPorts;
  /** What was issued on them so far, in that order. Numbers are those of the rehearsal. */
  documents(): readonly InvoiceDocument[];
}

/** An issued document of the rehearsal, as the store would answer it. */
interface Rehearsed extends StoredInvoice {
  readonly issuedBy: InvoiceDraft;
}

const NO_GRANTS = { position: 0, order: 'priority', balances: [], billedThroughMs: new Map() } as const;

/** Documents and grants as they are stored when first asked for, and over them what is issued here of one `subscription` of the `account`. */
export function rehearsal(ports: RehearsalPorts, account: Account, subscription: string): Rehearsal {
  const issued: Rehearsed[] = [];
  const stored = storedOnce(ports, account.key, subscription);

  const invoices: BillingPorts['invoices'] = {
    async issuedSince(_subscriptions, sinceMs, tenant) {
      const all = [...(await stored.documents(sinceMs, tenant)), ...issued].filter(({ periodToMs }) => periodToMs >= sinceMs);
      return all.toSorted((a, b) => a.periodFromMs - b.periodFromMs || placeOf(a) - placeOf(b));
    },
    billedThrough: async (_subscriptions, tenant) => withPeriods(await stored.billedThrough(tenant), issued),
    async issue(draft, tenant) {
      const known = [...(await stored.documents(draft.periodFromMs, tenant)), ...issued];
      // Fees are drafted where they are due, and given back where nothing gave them back: both know what is issued here.
      const isOnlyOne = draft.kind === 'period' || draft.kind === 'advance';
      const isBilled = ({ kind, periodFromMs }: StoredInvoice) =>
        periodFromMs === draft.periodFromMs &&
        ((kind === draft.kind && isOnlyOne) || (kind === 'period' && draft.kind !== 'advance'));
      if (known.some(isBilled)) return 'exists';
      const { id, kind, periodFromMs, periodToMs } = draft;
      const { document } = draft.finish(`PREVIEW-${issued.length + 1}`, null);
      issued.push({ id, kind, subscription, periodFromMs, periodToMs, document, movedCut: null, issuedBy: draft });
      return 'issued';
    },
  };

  const accounts: BillingPorts['accounts'] = {
    ...ports.accounts,
    accounts: async () => [account],
    async prepaid(_customers, tenant) {
      const own = issued.reduce(booked, await stored.prepaid(tenant));
      return own === undefined ? [] : [{ ...own, billedThroughMs: withPeriods(own.billedThroughMs, issued) }];
    },
  };

  return {
    portsAt: (nowMs) => ({ ...ports, invoices, accounts, clock: { nowMs: () => nowMs } }),
    documents: () => issued.map(parseInvoice),
  };
}

/** What is stored, read once. Documents are read again only where earlier ones are asked for. */
function storedOnce({ invoices, accounts }: RehearsalPorts, customer: string, subscription: string) {
  let documents: { readonly sinceMs: number; readonly all: Promise<StoredInvoice[]> } | undefined;
  let billedThrough: Promise<ReadonlyMap<string, number>> | undefined;
  let prepaid: Promise<CustomerPrepaid[]> | undefined;
  return {
    documents(sinceMs: number, tenant: string): Promise<StoredInvoice[]> {
      if (documents === undefined || sinceMs < documents.sinceMs)
        documents = { sinceMs, all: invoices.issuedSince([subscription], sinceMs, tenant) };
      return documents.all;
    },
    billedThrough: (tenant: string) => (billedThrough ??= invoices.billedThrough([subscription], tenant)),
    prepaid: async (tenant: string) => (await (prepaid ??= accounts.prepaid([customer], tenant)))[0],
  };
}

/** In the order of documents of one period. */
function placeOf({ kind }: Pick<StoredInvoice, 'kind'>): number {
  return ['advance', 'fee', 'interim', 'credit_note', 'period'].indexOf(kind);
}

function withPeriods(stored: ReadonlyMap<string, number>, issued: readonly Rehearsed[]): ReadonlyMap<string, number> {
  const ends = issued
    .filter(({ kind }) => kind === 'period')
    .map(({ subscription, periodToMs }) => [subscription, periodToMs] as const);
  return new Map([...stored, ...ends]);
}

/** A customer's grants after one more document: what it drew on them, and what it gives. */
function booked(state: CustomerPrepaid | undefined, { issuedBy }: Rehearsed): CustomerPrepaid | undefined {
  const { prepaid, creditNote, customer } = issuedBy;
  const movements = prepaid?.movements ?? [];
  const drawn = state && {
    ...state,
    position: state.position + movements.length,
    balances: state.balances.map((balance): GrantBalance =>
      movements.filter(({ grant }) => grant === balance.grant.id).reduce(moved, balance),
    ),
  };
  const grant = creditNote?.grant ?? null;
  if (grant === null) return drawn;
  const before = drawn ?? { ...NO_GRANTS, customer };
  const given = moved(newBalance(grant), { kind: 'grant', amount: grant.amount });
  return { ...before, position: before.position + 1, balances: [...before.balances, given] };
}
