import { countingCard, type TermsDifference, termsDifference, unitsCounted } from '@meterline/domain/plan-fit';
import type { RateCard } from '@meterline/domain/prices';
import { startOfDateMs } from '@meterline/domain/time';
import type { Account, Cut } from '../ports/index.ts';
import { cardsAt, nextPeriod, periodAt, periodToRate, quantityAt, type RatingPorts, ratePeriods } from '../spend/index.ts';
import type { Decided } from './changes.ts';
import type { AccountChange } from './feature-changes.ts';

/**
 * What a change does to prices and allowances on its first day, at the prices that the customer has then. Where the subscription rests or has ended, nothing
 * is priced and nothing included.
 */
export async function termsChanges(
  ports: RatingPorts,
  { subject, day }: Decided,
  { before, after }: Pick<AccountChange, 'before' | 'after'>,
  cut: Cut,
  tenant: string,
): Promise<TermsDifference> {
  const { id } = subject.subscription;
  const dayMs = startOfDateMs(day, subject.customer.timezone);
  const [from, to] = [await cardsOn(ports, before, id, dayMs, tenant), await cardsOn(ports, after, id, dayMs, tenant)];
  const used = await usedNow(ports, { account: before, subscription: id, nowMs: subject.nowMs }, [...from, ...to], cut, tenant);
  return termsDifference(from, to, used);
}

/** The rate cards of a subscription, with as many of their fees as it has; none while it does not run. */
async function cardsOn(
  ports: RatingPorts,
  account: Account,
  subscription: string,
  atMs: number,
  tenant: string,
): Promise<readonly RateCard[]> {
  const terms = account.subscriptions.find((each) => each.id === subscription && periodAt(each, account, atMs) !== undefined);
  if (terms === undefined) return [];
  const [cards = []] = await cardsAt(ports, [{ ...terms, negotiated: account.negotiated }], atMs, tenant);
  return cards.map((card) => {
    if (card.price.model !== 'flat') return card;
    const { quantity: _listed, ...price } = card.price;
    return { ...card, price: { ...price, quantity: quantityAt(terms, card.key, atMs) } };
  });
}

/** What was used in the billing period of now, so far, in the units of a rate card. */
async function usedNow(
  ports: RatingPorts,
  of: { readonly account: Account; readonly subscription: string; readonly nowMs: number },
  priced: readonly RateCard[],
  cut: Cut,
  tenant: string,
): Promise<(card: RateCard) => string> {
  const { account, subscription, nowMs } = of;
  const stretches = account.subscriptions.filter((terms) => terms.id === subscription);
  const now = nextPeriod(stretches, account, nowMs);
  const cards = priced.filter(({ meter }) => meter !== undefined);
  if (now === undefined || cards.length === 0) return () => '0';
  const counting = { plan: '', planVersion: 0, priceRevision: 0, quantities: [], changeFees: [] };
  // A period each, as two plans may call different cards the same.
  const periods = cards.map((card) => ({
    ...periodToRate(now.terms, account, now.period),
    ...counting,
    rateCards: [countingCard(card)],
  }));
  const { rated } = await ratePeriods(ports, periods, tenant, cut);
  return (card) => {
    const line = rated[cards.indexOf(card)]?.lines[0];
    return line === undefined ? '0' : unitsCounted(line);
  };
}
