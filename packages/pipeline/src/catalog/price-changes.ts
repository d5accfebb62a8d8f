import { Fault, type FaultDetail } from '@meterline/domain/faults';
import {
  cardVersions,
  cardVersionsBetween,
  isPriceChangeInstant,
  negotiatedVersions,
  type PriceChange,
  reaching,
  standingPrices,
} from '@meterline/domain/price-versions';
import { modifiersSchema, priceSchema, type RateCard } from '@meterline/domain/prices';
import { formatInstant } from '@meterline/domain/time';
import { z } from 'zod';
import type {
  CustomerStore,
  MeterStore,
  NegotiatedPriceStore,
  Page,
  PageRequest,
  PlanStore,
  PlanVersionKey,
  PlanVersionRecord,
  PriceChangeStore,
  TenantClock,
} from '../ports/index.ts';
import { customerUnknown } from './customers.ts';
import { instantMs, instantSchema, keySchema } from './fields.ts';
import { planVersionUnknown } from './plan-drafts.ts';
import { cardFaults, meterFaults, recounted } from './repriced-cards.ts';

/** All of them are read where a period of the plan version is rated. */
const PRICE_CHANGES_MAX = 2000;
/** Entering prices is rare: only as many at once for one plan version would ever get here. */
const ATTEMPTS_MAX = 10;

export const newPriceChangeSchema = z.strictObject({
  rateCard: keySchema.describe('Key of a rate card of the plan version'),
  validFrom: instantSchema.describe('Charged from here on, until a later change says otherwise; a whole minute'),
  price: priceSchema,
  modifiers: modifiersSchema.nullish().describe('Absent: those in force at validFrom stay; null: none'),
  correction: z
    .boolean()
    .optional()
    .describe('Needed where invoices were issued for days after validFrom: the next ones settle the difference'),
});
export type NewPriceChange = z.output<typeof newPriceChangeSchema>;

/** What was charged, or will be, for a rate card from `fromMs` on. */
export interface PriceRecord {
  readonly rateCard: string;
  /** Null: since ever. */
  readonly fromMs: number | null;
  /** Null: open. */
  readonly toMs: number | null;
  readonly price: RateCard['price'];
  readonly modifiers: RateCard['modifiers'] | null;
  /** Of the change that brought it; 0: the price the plan version was made with. */
  readonly revision: number;
  /** Revision of what was negotiated with the customer asked about, where that is the price. */
  readonly negotiated: number | null;
  readonly knownSinceMs: number;
}

export interface PriceQuery {
  /** As this customer has them. */
  readonly customer?: string | undefined;
  /** Only prices in force at this instant. */
  readonly atMs?: number | undefined;
  /** As known then; default now. */
  readonly knownAtMs?: number | undefined;
}

export interface PriceChangeCatalog {
  /** Another price of a rate card from an instant on, for everyone subscribed to the plan version. Fails as the messages below say. */
  add(version: PlanVersionKey, input: NewPriceChange, tenant: string): Promise<PriceChange>;
  /** Everything entered by `knownAtMs`, in order; paged by revision. */
  list(
    version: PlanVersionKey,
    request: PageRequest & { knownAtMs?: number | undefined },
    tenant: string,
  ): Promise<Page<PriceChange>>;
  /** Prices over time, card by card. */
  prices(version: PlanVersionKey, query: PriceQuery, tenant: string): Promise<PriceRecord[]>;
}

interface Ports {
  readonly plans: PlanStore;
  readonly priceChanges: PriceChangeStore;
  readonly negotiatedPrices: Pick<NegotiatedPriceStore, 'of'>;
  readonly customers: Pick<CustomerStore, 'byKey'>;
  readonly meters: Pick<MeterStore, 'byKeys'>;
  readonly clock: TenantClock;
}

export function priceChangeCatalog({
  plans,
  priceChanges,
  negotiatedPrices,
  customers,
  meters,
  clock,
}: Ports): PriceChangeCatalog {
  async function known(key: PlanVersionKey, tenant: string, knownAtMs = Infinity) {
    const version = await planVersion(plans, key, tenant);
    const changes = await priceChanges.upTo(key, version.priceRevision, tenant);
    return { version, changes: changes.filter(({ knownSinceMs }) => knownSinceMs <= knownAtMs) };
  }

  async function negotiatedWith(customer: string, { plan }: PlanVersionKey, tenant: string, knownAtMs = Infinity) {
    if ((await customers.byKey(customer, tenant)) === undefined) throw customerUnknown(customer);
    const entered = await negotiatedPrices.of(customer, tenant);
    const prices = standingPrices(entered.filter(({ knownSinceMs }) => knownSinceMs <= knownAtMs));
    return reaching(prices, plan);
  }

  return {
    async add(key, input, tenant) {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
        const { version, changes } = await known(key, tenant);
        if (version.draft) throw draftHasNone(key);
        const change = repricing(version, changes, input);
        const misfit = await meterFaults(change.card, meters, tenant);
        if (misfit.length > 0) throw invalid(misfit);
        const draft = { ...key, ...change.draft, afterRevision: version.priceRevision, isCorrection: input.correction === true };
        const result = await priceChanges.insert(draft, await clock.nowMs(tenant), tenant);
        if (!('refused' in result)) return result;
        if (result.refused === 'invoiced') throw periodInvoiced(result.throughMs);
      }
      throw new Fault('unavailable', 'price_change.contended', 'Too many price changes are being entered at once.', {
        retryAfterSeconds: 1,
      });
    },

    async list(key, { after, limit, knownAtMs }, tenant) {
      const { changes } = await known(key, tenant, knownAtMs);
      const rest = changes.filter(({ revision }) => revision > Number(after ?? 0));
      const items = rest.slice(0, limit);
      return { items, nextAfter: rest.length > limit ? String(items.at(-1)?.revision) : null };
    },

    async prices(key, { atMs, knownAtMs, customer }, tenant) {
      const { version, changes } = await known(key, tenant, knownAtMs);
      const negotiated = customer === undefined ? [] : await negotiatedWith(customer, key, tenant, knownAtMs);
      const sinceMs = (entered: readonly { revision: number; knownSinceMs: number }[], at: number) =>
        entered.find(({ revision }) => revision === at)?.knownSinceMs;
      return version.rateCards
        .flatMap((card) => negotiatedVersions(cardVersions(card, changes), negotiated))
        .filter(({ fromMs, toMs }) => atMs === undefined || ((fromMs ?? -Infinity) <= atMs && atMs < (toMs ?? Infinity)))
        .map(({ fromMs, toMs, card, revision, negotiated: agreed = null }) => ({
          rateCard: card.key,
          fromMs,
          toMs,
          price: card.price,
          modifiers: card.modifiers ?? null,
          revision,
          negotiated: agreed,
          knownSinceMs: (agreed === null ? sinceMs(changes, revision) : sinceMs(negotiated, agreed)) ?? version.createdAtMs,
        }));
    },
  };
}

async function planVersion(plans: PlanStore, { plan, version }: PlanVersionKey, tenant: string): Promise<PlanVersionRecord> {
  if ((await plans.byKey(plan, tenant)) === undefined)
    throw new Fault('not_found', 'plan.unknown', `There is no plan "${plan}".`);
  const record = await plans.version(plan, version, tenant);
  if (record === undefined) throw planVersionUnknown({ plan, version });
  return record;
}

/** The change as it is to be kept. Everything wrong with it is refused together. */
function repricing(version: PlanVersionRecord, changes: readonly PriceChange[], input: NewPriceChange) {
  const errors: FaultDetail[] = [];
  const validFromMs = instantMs(input.validFrom) ?? NaN;
  if (!isPriceChangeInstant(validFromMs))
    errors.push({ path: 'validFrom', message: 'must be a whole minute: usage is kept by the minute' });
  const card = version.rateCards.find(({ key }) => key === input.rateCard);
  if (card === undefined) {
    const keys = version.rateCards.map(({ key }) => key).join(', ');
    errors.push({ path: 'rateCard', message: `is no rate card of this plan version, which has ${keys}` });
  }
  if (changes.length >= PRICE_CHANGES_MAX) {
    errors.push({
      path: 'validFrom',
      message: `a plan version has at most ${PRICE_CHANGES_MAX} price changes; make a new version`,
    });
  }
  if (card !== undefined && errors.length === 0) {
    const [inForce] = cardVersionsBetween(card, changes, { fromMs: validFromMs, toMs: validFromMs + 1 });
    const modifiers = input.modifiers === undefined ? (inForce?.card.modifiers ?? null) : input.modifiers;
    const changed = { ...card, price: input.price, modifiers: modifiers ?? undefined };
    const before = cardVersions(card, changes).filter(({ fromMs }) => (fromMs ?? -Infinity) < validFromMs);
    errors.push(...cardFaults(changed), ...recounted(changed, before.map((version) => version.card))); // prettier-ignore
    if (errors.length === 0) return { card: changed, draft: { rateCard: card.key, validFromMs, price: input.price, modifiers } };
  }
  throw invalid(errors);
}

function draftHasNone({ plan, version }: PlanVersionKey): Fault {
  return new Fault('conflict', 'plan_version.draft', `Version ${version} of plan "${plan}" is a draft: change the draft itself.`);
}

function invalid(errors: readonly FaultDetail[]): Fault {
  return new Fault('invalid', 'price_change.invalid', 'The price cannot be changed like this.', { errors });
}

function periodInvoiced(throughMs: number): Fault {
  const message = `must not be before ${formatInstant(throughMs)}, up to which subscriptions to this plan version are invoiced, unless correction is true`;
  return new Fault('conflict', 'price_change.period_invoiced', 'Invoices were issued for days after that.', {
    errors: [{ path: 'validFrom', message }],
  });
}
