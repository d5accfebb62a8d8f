import { countsSeats, type Meter } from '@meterline/domain/meters';
import { type RateCard, usageNeeds, type UsageNeeds } from '@meterline/domain/prices';
import { floorMinute, localDaysBetween } from '@meterline/domain/time';
import type { QuantitiesFrom } from '../ports/index.ts';
import { pricesBetween, type PricesInstead } from './known-prices.ts';
import type { UsageNeed } from './meter-usage.ts';
import type { PeriodToRate } from './period-to-rate.ts';
import { quantitySaid } from './quantities.ts';
import { addsUp } from './shared-queries.ts';

const MINUTE_MS = 60_000;

/** A rate card with the price, and the number of its fee, that it has in a part of a billing period. Half-open. */
export interface CardPart {
  readonly card: RateCard;
  readonly fromMs: number;
  readonly toMs: number;
  /** Local days: the day on which a price or quantity changes belongs to the new one, so that those of all parts are those of the period. */
  readonly days: number;
  /** How finely the usage of all parts must be told: tiers go on where the part before stood, by dimensions and events too. */
  readonly detail: UsageNeeds;
  /** Revision of the negotiated price that it is; absent: the list price. */
  readonly negotiated?: number | undefined;
}

/** Whether the card is charged for seats as they are held over a period, and its meter knows them. */
function pricesSeats({ price, modifiers }: RateCard, meter: Meter, { policy }: Pick<PeriodToRate, 'policy'>): boolean {
  const byTotalAlone = modifiers?.allowance?.overagePrice === undefined && modifiers?.unitConversion?.weights === undefined;
  return policy.version >= 3 && price.model === 'per_seat' && byTotalAlone && countsSeats(meter);
}

/**
 * The parts of a period in which a card has one price each, in order. Usage that is no sum over time (a maximum, unique users) cannot be parted: it is
 * rated whole, at the price that holds when the period begins.
 */
export function cardParts(
  card: RateCard,
  instead: PricesInstead,
  meter: Meter | undefined,
  of: PeriodToRate,
): [CardPart, ...CardPart[]] {
  const { period, timezone, quantities = [] } = of;
  const { fromMs, toMs, days } = period;
  const versions = pricesBetween(card, instead, { fromMs, toMs }).flatMap((version) => quantified(version, quantities));
  const [first] = versions;
  if (first === undefined) throw new Error(`rate card ${card.key} has no price in an empty period`);
  // What adds up over subjects adds up over time, and nothing else does; seats are known at any time.
  const isWhole = meter !== undefined && !addsUp(meter) && !versions.every((version) => pricesSeats(version.card, meter, of));
  if (versions.length === 1 || isWhole) return [{ ...first, fromMs, toMs, days, detail: usageNeeds(first.card) }];
  const detail = allNeeds(versions.map((version) => usageNeeds(version.card)));
  const part = (version: typeof first): CardPart => ({
    ...version,
    days: localDaysBetween(version.fromMs, version.toMs, timezone),
    detail,
  });
  return [part(first), ...versions.slice(1).map(part)];
}

type Version = Pick<CardPart, 'card' | 'fromMs' | 'toMs' | 'negotiated'>;

/** A version of a card, parted where the number of its fee changes. */
function quantified({ card, fromMs, toMs, negotiated }: Version, quantities: readonly QuantitiesFrom[]): Version[] {
  const { key, price } = card;
  if (price.model !== 'flat') return [{ card, fromMs, toMs, negotiated }];
  const starts = quantities.filter((each) => each.fromMs > fromMs && each.fromMs < toMs).map((each) => each.fromMs);
  const parts = [fromMs, ...starts].map((partFromMs, index): Version => {
    const quantity = quantitySaid(quantities, key, partFromMs);
    const counted = quantity === undefined ? card : { ...card, price: { ...price, quantity } };
    return { card: counted, fromMs: partFromMs, toMs: starts[index] ?? toMs, negotiated };
  });
  // The quantities of other cards may have changed alone.
  return parts.reduce<Version[]>((joined, part) => {
    const last = joined.at(-1);
    if (last === undefined || fees(last) !== fees(part)) return [...joined, part];
    return [...joined.slice(0, -1), { ...last, toMs: part.toMs }];
  }, []);
}

function fees({ card: { price } }: Version): string | undefined {
  return price.model === 'flat' ? price.quantity : undefined;
}

function allNeeds(needs: readonly UsageNeeds[]): UsageNeeds {
  const dimensions = [...new Set(needs.flatMap((each) => each.dimensions))].sort();
  return { dimensions, perEvent: needs.some(({ perEvent }) => perEvent) };
}

export function usageNeed(part: CardPart, meter: Meter, of: PeriodToRate): UsageNeed {
  const { card, fromMs, toMs, detail } = part;
  const { subjects, timezone, period, usageToMs = toMs } = of;
  const filter: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(card.filter ?? {})) filter[name] = typeof value === 'string' ? [value] : value;
  // Usage is kept by the minute. Few zones ever began a day within one; there both neighbouring periods are cut at the same minute.
  const untilMs = floorMinute(Math.min(toMs, usageToMs));
  const seats = pricesSeats(card, meter, of);
  return {
    meter,
    // A part that begins later has no usage yet, but the seats that are held by then.
    fromMs: Math.min(floorMinute(fromMs), seats ? untilMs - MINUTE_MS : untilMs),
    toMs: untilMs,
    timezone,
    subjects,
    filter,
    detail,
    ...(seats && { seats: { period, part } }),
  };
}
