import { type InvoiceLine, invoiceLines, type LineInput, totalOf, withoutMinimum } from '@meterline/domain/invoices';
import type { Meter } from '@meterline/domain/meters';
import type { RateCard } from '@meterline/domain/prices';
import type { MeteredUsage } from '@meterline/domain/rating';
import { feeShare } from '@meterline/domain/subscriptions';
import { formatInstant } from '@meterline/domain/time';
import type { ChangeFee } from '@meterline/domain/stages';
import type { AccountReader, Cut, InvoiceStore, MeterStore, UsageReader } from '../ports/index.ts';
import { type CardUsage, drawPrepaid, type PrepaidEntries } from '../prepaid/index.ts';
import { type CardPart, cardParts, usageNeed } from './card-parts.ts';
import { carriedUnits } from './carried-units.ts';
import { type PricesInstead, pricesInstead } from './known-prices.ts';
import { meterUsage, type UsageNeed } from './meter-usage.ts';
import type { PeriodToRate } from './period-to-rate.ts';

export interface RatingPorts {
  readonly usage: UsageReader;
  readonly accounts: AccountReader;
  readonly meters: Pick<MeterStore, 'byKeys'>;
  readonly invoices: Pick<InvoiceStore, 'billedThrough' | 'issuedSince'>;
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
  const insteadOf = await pricesInstead(ports, periods, tenant);
  const parted = periods.map((period) =>
    [...period.rateCards, ...(period.changeFees ?? []).map(changeFeeCard)].map((card) =>
      partedCard(card, meterOf(card, meters), insteadOf(period), period),
    ),
  );
  const needs = parted.flat().flatMap(({ parts }) => parts.flatMap(({ need }) => need ?? []));
  const answer = await meterUsage(ports.usage, needs, cut);
  const usages = new Map(needs.map((need, index) => [need, answer.usage[index]]));
  const usageOf = ({ need }: NeededPart) => (need && usages.get(need)) ?? null;
  const measured = new Map(
    periods.map((period, index) => [
      period,
      (parted[index] ?? []).map((card) => ({ card: card.card, parts: lineParts(card, usageOf) })),
    ]),
  );
  const carriedInto = carriedUnits(measured);
  const prepaid = await drawPrepaid(
    ports.usage,
    parted.flat().map((card) => ({ ...cardUsage(card, usageOf), carriedUnits: carriedInto(card.period).get(card.card.key) })),
    answer.cut,
  );

  const lined = periods.map((period) => {
    const { index: periodIndex, daysInPeriod } = period.period;
    const inputs = (measured.get(period) ?? []).map(({ card, parts }) => ({
      currency: period.currency,
      daysInPeriod,
      firstPeriod: periodIndex === 0 || isChangeFee(period, card),
      sharesLimits: period.policy.version >= 3,
      carriedUnits: carriedInto(period).get(card.key),
      goesOn: period.usageToMs !== undefined,
      covered: prepaid.covered(period, card),
      parts,
    }));
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

function partedCard(card: RateCard, meter: Meter | undefined, instead: PricesInstead, period: PeriodToRate): PartedCard {
  const [first, ...rest] = cardParts(card, instead, meter, period);
  const needed = (part: CardPart): NeededPart => ({ part, need: meter && usageNeed(part, meter, period) });
  return { period, card, parts: [needed(first), ...rest.map(needed)] };
}

function lineParts(
  { period, parts: [first, ...rest] }: PartedCard,
  usageOf: (part: NeededPart) => MeteredUsage | null,
): LineInput['parts'] {
  const linePart = (needed: NeededPart) => ({
    rateCard: period.usageToMs === undefined ? needed.part.card : withoutMinimum(needed.part.card),
    from: formatInstant(needed.part.fromMs),
    to: formatInstant(needed.part.toMs),
    days: needed.part.days,
    share: feeShare(period.period, needed.part),
    usage: usageOf(needed),
    negotiated: needed.part.negotiated,
  });
  return [linePart(first), ...rest.map(linePart)];
}

/** The usage of a whole line, for grants to pay for: at the terms of its last part, and divided where its price changes. */
function cardUsage(
  { period, parts }: PartedCard,
  usageOf: (part: NeededPart) => MeteredUsage | null,
): Omit<CardUsage, 'carriedUnits'> {
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
