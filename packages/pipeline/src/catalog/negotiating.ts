import { Fault, type FaultDetail } from '@meterline/domain/faults';
import {
  cardVersions,
  isPriceChangeInstant,
  type NegotiatedPrice,
  type Negotiation,
  negotiatedVersions,
  overriddenCard,
  standingPrices,
} from '@meterline/domain/price-versions';
import { modifierOverridesSchema, priceSchema, type RateCard } from '@meterline/domain/prices';
import { floorMinute, formatInstant } from '@meterline/domain/time';
import { z } from 'zod';
import type { MeterStore, Page, PlanStore, PlanVersionRecord, PriceChangeStore, TenantClock } from '../ports/index.ts';
import { instantMs, instantSchema, keySchema, text } from './fields.ts';
import { cardFaults, meterFaults, recounted } from './repriced-cards.ts';

const VERSIONS_AT_A_TIME_MAX = 100;

const correction = z
  .boolean()
  .optional()
  .describe('Needed where invoices of the customer were issued for days after that: the next ones settle the difference');

export const newNegotiatedPriceSchema = z.strictObject({
  plan: keySchema,
  rateCard: keySchema.describe('Key of a rate card of the plan'),
  validFrom: instantSchema.optional().describe('Charged from here on, a whole minute; default the minute of now'),
  validUntil: instantSchema.optional().describe('Not included; from here on it is as without it; default for good'),
  price: priceSchema.optional().describe('Absent: that of the plan version, at any time'),
  modifiers: modifierOverridesSchema
    .optional()
    .describe('Each in place of that of the rate card, null in place of none; those that are absent are as in the plan version'),
  correction,
  note: text(1000).optional().describe('Why, for people'),
});
export type NewNegotiatedPrice = z.output<typeof newNegotiatedPriceSchema>;

export const negotiatedEndSchema = z.strictObject({
  at: instantSchema.optional().describe('A whole minute; default the minute of now, or its beginning if that is to come'),
  correction,
});
export type NegotiatedEndInput = z.output<typeof negotiatedEndSchema>;

export interface NegotiatingPorts {
  readonly plans: Pick<PlanStore, 'byKey' | 'versions'>;
  readonly priceChanges: Pick<PriceChangeStore, 'upTo'>;
  readonly meters: Pick<MeterStore, 'byKeys'>;
  readonly clock: TenantClock;
}

/** The price as it is to be kept. Everything wrong with it is refused together. */
export async function negotiating(
  ports: NegotiatingPorts,
  entered: readonly Negotiation[],
  input: NewNegotiatedPrice,
  tenant: string,
): Promise<Omit<NegotiatedPrice, 'revision' | 'knownSinceMs'>> {
  const { plan, rateCard, price = null, note = null } = input;
  const modifiers = input.modifiers !== undefined && Object.keys(input.modifiers).length > 0 ? input.modifiers : null;
  const validFromMs = instantMs(input.validFrom) ?? floorMinute(await ports.clock.nowMs(tenant));
  const validUntilMs = instantMs(input.validUntil) ?? null;
  const errors: FaultDetail[] = [
    ...wholeMinute('validFrom', validFromMs),
    ...wholeMinute('validUntil', validUntilMs ?? 0),
    ...(validUntilMs !== null && validUntilMs <= validFromMs ? [{ path: 'validUntil', message: 'must be after validFrom' }] : []),
    ...(price === null && modifiers === null ? [{ path: 'price', message: 'say a price, modifiers, or both' }] : []),
  ];
  const found = await versionsWith(ports.plans, { plan, rateCard }, tenant);
  const newest = found.at(-1);
  if (newest === undefined) throw invalidAgreement([...errors, await unknownCard(ports.plans, { plan, rateCard }, tenant)]);
  const meter = newest.card.meter ?? null;
  const draft = { plan, rateCard, meter, validFromMs, validUntilMs, price, modifiers, note };
  const others = standingPrices(entered).filter((each) => each.plan === plan);
  const own = { ...draft, revision: Infinity, knownSinceMs: Infinity };
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
  if (errors.length > 0) throw invalidAgreement(errors);
  return draft;
}

/** The same of an end. */
export function ending(entered: readonly Negotiation[], revision: number, { at }: NegotiatedEndInput, nowMs: number) {
  const price = standingPrices(entered).find((each) => each.revision === revision);
  if (price === undefined)
    throw new Fault('not_found', 'negotiated_price.unknown', `The customer has no negotiated price ${revision}.`);
  const { plan, rateCard, validFromMs, validUntilMs } = price;
  const atMs = instantMs(at) ?? Math.max(floorMinute(nowMs), validFromMs);
  const errors = wholeMinute('at', atMs);
  if (atMs < validFromMs)
    errors.push({ path: 'at', message: `must not be before ${formatInstant(validFromMs)}, when it begins` });
  if (validUntilMs !== null && atMs >= validUntilMs)
    errors.push({ path: 'at', message: `must be before ${formatInstant(validUntilMs)}, when it ends already` });
  if (errors.length > 0) throw invalidAgreement(errors);
  return { ends: revision, atMs, plan, rateCard };
}

function wholeMinute(path: string, ms: number): FaultDetail[] {
  return isPriceChangeInstant(ms) ? [] : [{ path, message: 'must be a whole minute: usage is kept by the minute' }];
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
): Promise<FaultDetail> {
  const record = await plans.byKey(plan, tenant);
  if (record === undefined) return { path: 'plan', message: `there is no plan "${plan}"` };
  const keys = record.rateCards.map(({ key }) => key).join(', ');
  return { path: 'rateCard', message: `"${rateCard}" is no rate card of this plan, which has ${keys}` };
}

export function invalidAgreement(errors: readonly FaultDetail[]): Fault {
  return new Fault('invalid', 'negotiated_price.invalid', 'This cannot be agreed on.', { errors });
}
