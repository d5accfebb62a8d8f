import type { InvoiceDocument } from '@meterline/domain/invoices';
import { type GrantBalance, moved, newBalance } from '@meterline/domain/prepaid';
import { type BillingPorts, parseInvoice } from '../invoices/index.ts';
import type { Account, CustomerPrepaid, InvoiceDraft, StoredInvoice } from '../ports/index.ts';
import type { RatingPorts } from '../spend/index.ts';

export interface RehearsalPorts extends RatingPorts, Pick<BillingPorts, 'log'> {}

/** Ports by which a customer's subscription can be billed as if it were so, and later than now. Nothing is written. */
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

/** Documents and grants as they are stored, and over them what is issued here of one `subscription` of the `account`. */
export function rehearsal(ports: RehearsalPorts, account: Account, subscription: string): Rehearsal {
  const issued: Rehearsed[] = [];
  const isOwn = (customer: string) => customer === account.key;

  const invoices: BillingPorts['invoices'] = {
    async issuedSince(subscriptions, sinceMs, tenant) {
      const stored = await ports.invoices.issuedSince(subscriptions, sinceMs, tenant);
      const here = issued.filter((each) => subscriptions.includes(each.subscription) && each.periodToMs >= sinceMs);
      return [...stored, ...here].toSorted((a, b) => a.periodFromMs - b.periodFromMs || placeOf(a) - placeOf(b));
    },
    async billedThrough(subscriptions, tenant) {
      const stored = await ports.invoices.billedThrough(subscriptions, tenant);
      return subscriptions.includes(subscription) ? withPeriods(stored, issued) : stored;
    },
    async issue(draft) {
      const isBilled = ({ kind, periodFromMs }: StoredInvoice) =>
        periodFromMs === draft.periodFromMs &&
        ((kind === draft.kind && kind !== 'interim') || (kind === 'period' && draft.kind !== 'advance'));
      if (issued.some(isBilled)) return 'exists';
      const { id, kind, periodFromMs, periodToMs } = draft;
      const { document } = draft.finish(`PREVIEW-${issued.length + 1}`, null);
      issued.push({ id, kind, subscription, periodFromMs, periodToMs, document, movedCut: null, issuedBy: draft });
      return 'issued';
    },
  };

  const accounts: BillingPorts['accounts'] = {
    ...ports.accounts,
    accounts: async (customers, tenant) => {
      const others = customers.filter((key) => !isOwn(key));
      const stored = others.length === 0 ? [] : await ports.accounts.accounts(others, tenant);
      return customers.some(isOwn) ? [...stored, account] : stored;
    },
    async prepaid(customers, tenant) {
      const stored = await ports.accounts.prepaid(customers, tenant);
      if (!customers.some(isOwn)) return stored;
      const before = stored.find(({ customer }) => isOwn(customer));
      const own = issued.reduce(booked, before);
      const others = stored.filter((each) => each !== before);
      return own === undefined ? others : [...others, { ...own, billedThroughMs: withPeriods(own.billedThroughMs, issued) }];
    },
  };

  return {
    portsAt: (nowMs) => ({ ...ports, invoices, accounts, clock: { nowMs: () => nowMs } }),
    documents: () => issued.map(parseInvoice),
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
