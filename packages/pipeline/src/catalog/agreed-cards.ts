import type { FaultDetail } from '@meterline/domain/faults';
import {
  cardVersions,
  type NegotiatedPrice,
  type Negotiation,
  negotiatedVersions,
  overriddenCard,
  reaching,
  standingPrices,
} from '@meterline/domain/price-versions';
import type { RateCard } from '@meterline/domain/prices';
import type { MeterStore, Page, PlanStore, PlanVersionRecord, PriceChangeStore, TenantClock } from '../ports/index.ts';
import type { NewNegotiatedPrice } from './negotiated-price-input.ts';
import { cardFaults, meterFaults, recounted } from './repriced-cards.ts';

const VERSIONS_AT_A_TIME_MAX = 100;

export interface NegotiatingPorts {
  readonly plans: Pick<PlanStore, 'byKey' | 'versions'>;
  readonly priceChanges: Pick<PriceChangeStore, 'upTo'>;
  readonly meters: Pick<MeterStore, 'byKeys'>;
  readonly clock: TenantClock;
}

type Agreed = Omit<NegotiatedPrice, 'revision' | 'knownSinceMs'>;

/** From when to when, and why. */
type Valid = Pick<Agreed, 'validFromMs' | 'validUntilMs' | 'note'>;
/** The price as it is to be kept, and everything that is wrong with it. */
interface Checked {
  readonly draft: Agreed;
  readonly faults: readonly FaultDetail[];
}

/** Every price can have a percentage off, so there is nothing to check it against. */
export async function ofAllCards(
  { plans }: NegotiatingPorts,
  { plan: key, percentOff = '0' }: NewNegotiatedPrice,
  valid: Valid,
  tenant: string,
): Promise<Checked> {
  const plan = key ?? null;
  const isUnknown = plan !== null && (await plans.byKey(plan, tenant)) === undefined;
  const draft = { plan, rateCard: null, meter: null, ...valid, price: null, modifiers: { percentOff } };
  return { draft, faults: isUnknown ? [{ path: 'plan', message: `there is no plan "${plan}"` }] : [] };
}

/** Holds for every published version with such a card on the same meter, and is checked against each. */
export async function ofOneCard(
  ports: NegotiatingPorts,
  entered: readonly Negotiation[],
  input: NewNegotiatedPrice & CardAsked,
  valid: Valid,
  tenant: string,
): Promise<Checked> {
  const { plan, rateCard, price = null } = input;
  const modifiers = input.modifiers !== undefined && Object.keys(input.modifiers).length > 0 ? input.modifiers : null;
  const { validFromMs, validUntilMs } = valid;
  const found = await versionsWith(ports.plans, { plan, rateCard }, tenant);
  const meter = found.at(-1)?.card.meter ?? null;
  const draft = { plan, rateCard, meter, ...valid, price, modifiers };
  if (found.length === 0) return { draft, faults: await unknownCard(ports.plans, { plan, rateCard }, tenant) };
  const others = reaching(standingPrices(entered), plan);
  const own = { ...draft, revision: Infinity, knownSinceMs: Infinity };
  const errors: FaultDetail[] = [];
  for (const { version, card } of found.filter((each) => (each.card.meter ?? null) === meter)) {
    const changes = await ports.priceChanges.upTo({ plan, version: version.version }, version.priceRevision, tenant);
    const listed = cardVersions(card, changes);
    const agreed = listed
      .filter(({ fromMs, toMs }) => (fromMs ?? -Infinity) < (validUntilMs ?? Infinity) && validFromMs < (toMs ?? Infinity))
      .map((each) => overriddenCard(each.card, draft));
    const timeline = negotiatedVersions(listed, [...others, own]).map((each) => each.card);
    const faults = [
      ...agreed.flatMap(cardFaults),
      ...(await Promise.all(agreed.map((each) => meterFaults(each, ports.meters, tenant)))).flat(),
      ...timeline.flatMap((each, index) => recounted(each, timeline.slice(0, index))),
    ];
    errors.push(...faults.map(({ path, message }) => ({ path, message: `${message} (version ${version.version})` })));
  }
  return { draft, faults: errors };
}

interface CardAsked {
  readonly plan: string;
  readonly rateCard: string;
}

/** Published versions that have the rate card, oldest first; archived ones too, as there are subscriptions under them. */
async function versionsWith(
  plans: NegotiatingPorts['plans'],
  { plan, rateCard }: CardAsked,
  tenant: string,
): Promise<{ version: PlanVersionRecord; card: RateCard }[]> {
  const found: { version: PlanVersionRecord; card: RateCard }[] = [];
  let after: string | null = null;
  do {
    const page: Page<PlanVersionRecord> = await plans.versions(plan, { after, limit: VERSIONS_AT_A_TIME_MAX }, tenant);
    for (const version of page.items) {
      const card = version.draft ? undefined : version.rateCards.find(({ key }) => key === rateCard);
      if (card !== undefined) found.push({ version, card });
    }
    after = page.nextAfter;
  } while (after !== null);
  return found;
}

async function unknownCard(
  plans: NegotiatingPorts['plans'],
  { plan, rateCard }: CardAsked,
  tenant: string,
): Promise<FaultDetail[]> {
  const record = await plans.byKey(plan, tenant);
  if (record === undefined) return [{ path: 'plan', message: `there is no plan "${plan}"` }];
  const keys = record.rateCards.map(({ key }) => key).join(', ');
  return [{ path: 'rateCard', message: `"${rateCard}" is no rate card of this plan, which has ${keys}` }];
}
