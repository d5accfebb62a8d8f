import { add, decimal, type Decimal, formatMoney, subtract, ZERO } from '@meterline/domain/money';
import { type BurnOrder, type Grant, type GrantBalance, PrepaidAccount } from '@meterline/domain/prepaid';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import type { Account, AccountReader, CustomerPrepaid, SubscriptionTerms } from '../ports/index.ts';
import type { DrawingPeriod, PrepaidEntries } from './period.ts';

/** A grant in live spend. */
export interface GrantInUse {
  readonly grant: Grant;
  readonly voided: boolean;
  /** As the ledger has it. */
  readonly booked: Decimal;
  /** After what usage that is not invoiced yet takes. */
  readonly left: Decimal;
}

/** What prepaid grants pay of a customer's spend so far. Nothing of it is booked before the invoice. */
export interface SpendPrepaid extends PrepaidEntries {
  readonly position: number;
  readonly order: BurnOrder;
  /** What credits pay of the current periods. */
  readonly credited: string;
  /** The total, less what was billed in advance and less that. */
  readonly due: string;
  /** In burn order. */
  readonly grants: readonly GrantInUse[];
}

interface Request {
  readonly account: Account;
  readonly atMs: number;
}

export interface UnbilledPeriod {
  readonly request: Request;
  readonly account: Account;
  readonly terms: SubscriptionTerms;
  readonly period: BillingPeriod;
  readonly prepaid: DrawingPeriod | undefined;
}

export interface SpendGrants {
  /** Periods that ended and have no invoice yet: their usage takes its part first. To be rated behind the others. */
  readonly unbilled: readonly UnbilledPeriod[];
  /** For every current period of a request, in order. */
  drawing(request: Request): DrawingPeriod | undefined;
  /** After rating; null for a customer without grants. */
  summary(request: Request, toInvoice: string, drawn: readonly (PrepaidEntries | undefined)[]): SpendPrepaid | null;
}

/** Reads the grants of those whose spend is asked for. `periodAt` as in spend. */
export async function spendGrants(
  accounts: AccountReader,
  requests: readonly Request[],
  periodAt: (terms: SubscriptionTerms, account: Account, atMs: number) => BillingPeriod | undefined,
  tenant: string,
): Promise<SpendGrants> {
  const states = await accounts.prepaid([...new Set(requests.map(({ account }) => account.key))], tenant);
  const byCustomer = new Map(states.map((state) => [state.customer, state]));
  const sessions = new Map<Request, { readonly state: CustomerPrepaid; readonly account: PrepaidAccount; turn: number }>();
  const unbilled: UnbilledPeriod[] = [];
  const drawing = (request: Request): DrawingPeriod | undefined => {
    const session = sessions.get(request);
    return session && { account: session.account, booking: '', turn: (session.turn += 1), billed: null };
  };
  for (const request of requests) {
    const state = byCustomer.get(request.account.key);
    if (state === undefined) continue;
    // Each looks at the same grants by itself: spend at two instants does not take twice.
    sessions.set(request, { state, account: new PrepaidAccount(state), turn: 0 });
    for (const { terms, period } of unbilledPeriods(request, state, periodAt)) {
      unbilled.push({ request, account: request.account, terms, period, prepaid: drawing(request) });
    }
  }
  return {
    unbilled,
    drawing,
    summary(request, toInvoice, drawn) {
      const session = sessions.get(request);
      if (session === undefined) return null;
      const { state, account } = session;
      const units = drawn.flatMap((each) => each?.units ?? []);
      const credits = drawn.flatMap((each) => each?.credits ?? []);
      const credited = credits.reduce((sum, { amount }) => add(sum, decimal(amount)), ZERO);
      const { currency } = request.account;
      const due = formatMoney(subtract(decimal(toInvoice), credited), currency);
      const { position, order } = state;
      return { position, order, units, credits, credited: formatMoney(credited, currency), due, grants: inUse(state, account) };
    },
  };
}

/** Ended periods without an invoice, oldest first. */
function unbilledPeriods(
  { account, atMs }: Request,
  { billedThroughMs }: CustomerPrepaid,
  periodAt: Parameters<typeof spendGrants>[2],
): { readonly terms: SubscriptionTerms; readonly period: BillingPeriod }[] {
  const found = account.subscriptions.flatMap((terms) => {
    const periods: { terms: SubscriptionTerms; period: BillingPeriod }[] = [];
    let period = periodAt(terms, account, Math.max(terms.startsAtMs, billedThroughMs.get(terms.id) ?? terms.startsAtMs));
    while (period !== undefined && period.toMs <= atMs) {
      periods.push({ terms, period });
      period = periodAt(terms, account, period.toMs);
    }
    return periods;
  });
  return found.toSorted((a, b) => a.period.fromMs - b.period.fromMs);
}

function inUse({ balances }: CustomerPrepaid, account: PrepaidAccount): GrantInUse[] {
  const booked = new Map(balances.map(({ grant, balance }: GrantBalance) => [grant.id, balance]));
  return account
    .balances()
    .map(({ grant, balance: left, voided }) => ({ grant, voided, booked: booked.get(grant.id) ?? ZERO, left }));
}
