import { carriedAsKnown, handedOn } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import { parseInvoice } from '../invoices/parse-invoice.ts';
import type { AccountReader, InvoiceStore, SubscriptionTerms } from '../ports/index.ts';
import { priceChangesOf } from './known-prices.ts';

/** How far a subscription whose allowances carry over is invoiced. */
export interface CarriedState {
  /** End of its last invoiced period; null before the first. */
  readonly billedThroughMs: number | null;
  /** Units that this period left to the plan version, by rate card; none if it was under another, or in another phase. */
  readonly stated: ReadonlyMap<string, string>;
}

interface Ports {
  readonly accounts: Pick<AccountReader, 'priceChanges'>;
  readonly invoices: Pick<InvoiceStore, 'billedThrough' | 'issuedSince'>;
}

/** Whether a period may leave units over: its cards do, or may have come to by a change of prices. */
export function mayCarryOver({ rateCards, priceRevision }: Pick<SubscriptionTerms, 'rateCards' | 'priceRevision'>): boolean {
  return priceRevision > 0 || rateCards.some(({ modifiers }) => carriesOver(modifiers));
}

/** States of those subscriptions whose allowances carry over; the others cost nothing. */
export async function carriedStates(
  ports: Ports,
  subscriptions: readonly SubscriptionTerms[],
  tenant: string,
): Promise<ReadonlyMap<SubscriptionTerms, CarriedState>> {
  const carrying = await whereCarried(ports, [...new Set(subscriptions)].filter(mayCarryOver), tenant);
  if (carrying.length === 0) return new Map();
  const ids = [...new Set(carrying.map(({ id }) => id))];
  const through = await ports.invoices.billedThrough(ids, tenant);
  const sinceMs = Math.min(...through.values());
  const issued = through.size === 0 ? [] : await ports.invoices.issuedSince([...through.keys()], sinceMs, tenant);
  const last = new Map(
    issued
      .filter(({ kind, subscription, periodToMs }) => kind === 'period' && periodToMs === through.get(subscription))
      .map((invoice) => [invoice.subscription, parseInvoice(invoice)]),
  );
  return new Map(
    carrying.map((terms) => {
      const invoice = last.get(terms.id);
      const isSame = invoice?.plan === terms.plan && invoice.planVersion === terms.planVersion;
      const goesOn = isSame && invoice.phase?.key === terms.phase?.key;
      const stated = goesOn ? handedOn(carriedAsKnown(invoice, [])) : new Map<string, string>();
      return [terms, { billedThroughMs: through.get(terms.id) ?? null, stated }];
    }),
  );
}

async function whereCarried(
  ports: Ports,
  subscriptions: readonly SubscriptionTerms[],
  tenant: string,
): Promise<SubscriptionTerms[]> {
  const byCards = ({ rateCards }: SubscriptionTerms) => rateCards.some(({ modifiers }) => carriesOver(modifiers));
  const changesOf = await priceChangesOf(ports, subscriptions.filter((terms) => !byCards(terms)), tenant); // prettier-ignore
  return subscriptions.filter(
    (terms) => byCards(terms) || changesOf(terms).some(({ modifiers }) => carriesOver(modifiers ?? undefined)),
  );
}

function carriesOver(modifiers: RateCard['modifiers']): boolean {
  return modifiers?.allowance?.carryOver !== undefined;
}
