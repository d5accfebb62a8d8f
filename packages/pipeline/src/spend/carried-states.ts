import { carriedAsKnown, handedOn } from '@meterline/domain/invoices';
import type { ModifierOverrides } from '@meterline/domain/prices';
import { parseInvoice } from '../invoices/parse-invoice.ts';
import type { Account, InvoiceStore, SubscriptionTerms } from '../ports/index.ts';
import { type KnownPrices, type PricePorts, pricesInstead } from './known-prices.ts';

/** How far a subscription whose allowances carry over is invoiced. */
export interface CarriedState {
  /** End of its last invoiced period; null before the first. */
  readonly billedThroughMs: number | null;
  /** Units that this period left to the plan version, by rate card; none if it was under another, or in another phase. */
  readonly stated: ReadonlyMap<string, string>;
}

interface Ports extends PricePorts {
  readonly invoices: Pick<InvoiceStore, 'billedThrough' | 'issuedSince'>;
}

/** Whether a period may leave units over: its cards do, or may have come to by a change of prices, or for this customer. */
export function mayCarryOver({
  rateCards,
  priceRevision,
  negotiated,
}: Pick<SubscriptionTerms, 'rateCards' | 'priceRevision'> & Pick<KnownPrices, 'negotiated'>): boolean {
  return priceRevision > 0 || negotiated.revision > 0 || rateCards.some(({ modifiers }) => carriesOver(modifiers));
}

/** States of those subscriptions whose allowances carry over; the others cost nothing. */
export async function carriedStates(
  ports: Ports,
  subscriptions: ReadonlyMap<SubscriptionTerms, Pick<Account, 'negotiated'>>,
  tenant: string,
): Promise<ReadonlyMap<SubscriptionTerms, CarriedState>> {
  const known = [...subscriptions].map(([terms, { negotiated }]) => ({ terms, known: { ...terms, negotiated } }));
  const carrying = await whereCarried(ports, known.filter((each) => mayCarryOver(each.known)), tenant); // prettier-ignore
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
  subscriptions: readonly { readonly terms: SubscriptionTerms; readonly known: KnownPrices }[],
  tenant: string,
): Promise<SubscriptionTerms[]> {
  const byCards = ({ rateCards }: SubscriptionTerms) => rateCards.some(({ modifiers }) => carriesOver(modifiers));
  const asked = subscriptions.filter(({ terms }) => !byCards(terms)).map(({ known }) => known);
  const insteadOf = await pricesInstead(ports, asked, tenant);
  const instead = (known: KnownPrices) => {
    const { changes, negotiated, fixed } = insteadOf(known);
    return [...changes, ...negotiated].filter(({ rateCard }) => rateCard === null || !fixed.includes(rateCard));
  };
  return subscriptions
    .filter(({ terms, known }) => byCards(terms) || instead(known).some(({ modifiers }) => carriesOver(modifiers)))
    .map(({ terms }) => terms);
}

function carriesOver(modifiers: ModifierOverrides | null | undefined): boolean {
  return modifiers?.allowance?.carryOver !== undefined;
}
