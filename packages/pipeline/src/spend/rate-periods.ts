import { type InvoiceLine, invoiceLines, totalOf } from '@meterline/domain/invoices';
import type { Meter } from '@meterline/domain/meters';
import type { PriceChange } from '@meterline/domain/price-versions';
import type { RateCard } from '@meterline/domain/prices';
import type { MeteredUsage } from '@meterline/domain/rating';
import { type BillingPeriod, feeShare } from '@meterline/domain/subscriptions';
import { formatInstant } from '@meterline/domain/time';
import type { ChangeFee } from '@meterline/domain/stages';
import type { AccountReader, Cut, InvoiceStore, MeterStore, QuantitiesFrom, UsageReader } from '../ports/index.ts';
import { type CardUsage, drawPrepaid, type PeriodPrepaid, type PrepaidEntries } from '../prepaid/index.ts';
import { type CardPart, cardParts, usageNeed } from './card-parts.ts';
import { meterUsage, type UsageNeed } from './meter-usage.ts';

export interface RatingPorts {
  readonly usage: UsageReader;
  readonly accounts: AccountReader;
  readonly meters: Pick<MeterStore, 'byKeys'>;
  readonly invoices: Pick<InvoiceStore, 'issuedSince'>;
}

/** The rate cards of one subscription over one billing period. */
export interface PeriodToRate {
  readonly subjects: readonly string[];
  readonly currency: string;
  /** The customer's: its days are counted in it, and meters fold their windows in it. */
  readonly timezone: string;
  readonly plan: string;
  readonly planVersion: number;
  /** Prices as known with the price changes of the plan version up to this one; 0: as the version was made. */
  readonly priceRevision: number;
  /** As the plan version was made. */
  readonly rateCards: readonly RateCard[];
  readonly period: Pick<BillingPeriod, 'index' | 'fromMs' | 'toMs' | 'days' | 'daysInPeriod' | 'sharing'>;
  /** How many of its fees there are, in order; absent: one of each. */
  readonly quantities?: readonly QuantitiesFrom[] | undefined;
  /** For changes of the subscription, due in this period. */
  readonly changeFees?: readonly ChangeFee[] | undefined;
  /** Whether the subscription has a commitment. */
  readonly committed: boolean;
  /** How prepaid grants pay for it; absent: not at all. */
  readonly prepaid?: PeriodPrepaid | undefined;
}

export interface RatedPeriod {
  readonly lines: readonly InvoiceLine[];
  /** Sum of the rounded lines. */
  readonly total: string;
  /** Absent where it does not draw on grants. */
  readonly prepaid?: PrepaidEntries;
}

/**
 * Rates every period, in order, at one cut (absent: the committed cut of this moment). Live spend, alerts, invoices and their
 * verification all come from here, so that they cannot differ.
 */
export async function ratePeriods(
  ports: Pick<RatingPorts, 'usage' | 'accounts' | 'meters'>,
  periods: readonly PeriodToRate[],
  tenant: string,
  cut?: Cut,
): Promise<{ rated: RatedPeriod[]; cut: Cut }> {
  const meters = await metersOf(ports, periods, tenant);
  const changesOf = await priceChanges(ports, periods, tenant);
  const parted = periods.map((period) =>
    [...period.rateCards, ...(period.changeFees ?? []).map(changeFeeCard)].map((card) =>
      partedCard(card, meterOf(card, meters), changesOf(period), period),
    ),
  );
  const needs = parted.flat().flatMap(({ parts }) => parts.flatMap(({ need }) => need ?? []));
  const answer = await meterUsage(ports.usage, needs, cut);
  const usages = new Map(needs.map((need, index) => [need, answer.usage[index]]));
  const usageOf = ({ need }: NeededPart) => (need && usages.get(need)) ?? null;
  const prepaid = await drawPrepaid(
    ports.usage,
    parted.flat().map((card) => cardUsage(card, usageOf)),
    answer.cut,
  );

  const lined = periods.map((period, index) => {
    const { index: periodIndex, daysInPeriod } = period.period;
    const inputs = (parted[index] ?? []).map(({ card, parts: [first, ...rest] }) => {
      const rateable = (each: NeededPart) => ({
        rateCard: each.part.card,
        from: formatInstant(each.part.fromMs),
        to: formatInstant(each.part.toMs),
        days: each.part.days,
        share: feeShare(period.period, each.part),
        usage: usageOf(each),
      });
      const parts = [rateable(first), ...rest.map(rateable)] as const;
      return {
        currency: period.currency,
        daysInPeriod,
        firstPeriod: periodIndex === 0 || isChangeFee(period, card),
        covered: prepaid.covered(period, card),
        parts,
      };
    });
    return { period, lines: invoiceLines(inputs) };
  });
  const drawn = prepaid.payLines(lined);
  const rated = lined.map(({ period, lines }, index): RatedPeriod => {
    const entries = drawn[index];
    return { lines, total: totalOf(lines, period.currency), ...(entries && { prepaid: entries }) };
  });
  return { rated, cut: answer.cut };
}

/** A change pays its fee once, and whole. */
function changeFeeCard({ key, name, amount }: ChangeFee): RateCard {
  return { key, name, price: { model: 'flat', amount, interval: 'once' } };
}

function isChangeFee({ changeFees = [] }: PeriodToRate, { key }: RateCard): boolean {
  return changeFees.some((fee) => fee.key === key);
}

interface NeededPart {
  readonly part: CardPart;
  /** Undefined without a meter. */
  readonly need: UsageNeed | undefined;
}

/** A rate card with the parts of a period in which it has one price each. */
interface PartedCard {
  readonly period: PeriodToRate;
  readonly card: RateCard;
  readonly parts: readonly [NeededPart, ...NeededPart[]];
}

function partedCard(card: RateCard, meter: Meter | undefined, changes: readonly PriceChange[], period: PeriodToRate): PartedCard {
  const [first, ...rest] = cardParts(card, changes, meter, period);
  const needed = (part: CardPart): NeededPart => ({ part, need: meter && usageNeed(part, meter, period) });
  return { period, card, parts: [needed(first), ...rest.map(needed)] };
}

/** The usage of a whole line, for grants to pay for: at the terms of its last part, and divided where its price changes. */
function cardUsage({ period, parts }: PartedCard, usageOf: (part: NeededPart) => MeteredUsage | null): CardUsage {
  const [first, ...rest] = parts;
  const { part, need } = rest.at(-1) ?? first;
  return {
    period,
    rateCard: part.card,
    need: need === undefined ? null : { ...need, fromMs: first.need?.fromMs ?? need.fromMs },
    priceFromMs: parts.map((each) => each.need?.fromMs ?? each.part.fromMs),
    usage: rest.length === 0 ? usageOf(first) : null,
  };
}

async function metersOf(
  ports: Pick<RatingPorts, 'meters'>,
  periods: readonly PeriodToRate[],
  tenant: string,
): Promise<Map<string, Meter>> {
  const cards = periods.flatMap(({ rateCards }) => rateCards);
  const keys = [...new Set(cards.flatMap(({ meter }) => meter ?? []))];
  const meters = keys.length === 0 ? [] : await ports.meters.byKeys(keys, tenant);
  return new Map(meters.map((meter) => [meter.key, meter]));
}

/** Undefined for a card without a meter. */
function meterOf(card: RateCard, meters: ReadonlyMap<string, Meter>): Meter | undefined {
  if (card.meter === undefined) return undefined;
  const meter = meters.get(card.meter);
  if (meter === undefined) throw new Error(`rate card ${card.key} names meter ${card.meter}, which does not exist`);
  return meter;
}

/** The changes that each period knows of; plan versions that never changed a price cost nothing. */
async function priceChanges(
  ports: Pick<RatingPorts, 'accounts'>,
  periods: readonly PeriodToRate[],
  tenant: string,
): Promise<(period: PeriodToRate) => readonly PriceChange[]> {
  const keyOf = ({ plan, planVersion }: PeriodToRate) => JSON.stringify([plan, planVersion]);
  const changed = Map.groupBy(
    periods.filter(({ priceRevision }) => priceRevision > 0),
    keyOf,
  );
  const changes = new Map<string, readonly PriceChange[]>();
  for (const [key, [first, ...others]] of changed) {
    if (first === undefined) continue;
    const newest = Math.max(first.priceRevision, ...others.map(({ priceRevision }) => priceRevision));
    changes.set(key, await ports.accounts.priceChanges({ plan: first.plan, version: first.planVersion }, newest, tenant));
  }
  return (period) => (changes.get(keyOf(period)) ?? []).filter(({ revision }) => revision <= period.priceRevision);
}
