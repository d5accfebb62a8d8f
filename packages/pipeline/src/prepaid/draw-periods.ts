import type { Coverage, CoveredUsage, InvoiceLine } from '@meterline/domain/invoices';
import { add, compare, decimal, formatDecimal, formatMoney, subtract, ZERO } from '@meterline/domain/money';
import {
  type CreditApplied,
  drawnCredits,
  drawnUnits,
  type Grant,
  type LineDrawn,
  moneySlices,
  type PrepaidAccount,
  type Slice,
  type UnitsDrawn,
} from '@meterline/domain/prepaid';
import type { RateCard } from '@meterline/domain/prices';
import type { MeteredUsage } from '@meterline/domain/rating';
import { floorMinute } from '@meterline/domain/time';
import type { Cut, UsageReader } from '../ports/index.ts';
import type { UsageNeed } from '../spend/meter-usage.ts';
import { type DrawingPeriod, isDrawing, type PrepaidEntries, type PrepaidPeriod } from './period.ts';
import { isCoverable, isDivisible, type TimedNeed, timedUsage } from './timed-usage.ts';

/** A card of a period, what it used, and which grants may pay for it. */
export interface CardUsage {
  readonly period: PrepaidPeriod;
  readonly rateCard: RateCard;
  /** Of the whole period; null for a card without a meter. */
  readonly need: UsageNeed | null;
  /** Units that came into the period of the card's allowance. */
  readonly carriedUnits: string | undefined;
  /** Where each price of the card begins to hold, the first at the beginning of the period. */
  readonly priceFromMs: readonly number[];
  /** Null where there is none, or where it is known in parts only. */
  readonly usage: MeteredUsage | null;
}

interface CardDraw extends CardUsage {
  readonly drawing: DrawingPeriod;
  readonly unitGrants: readonly Grant[];
  readonly moneyGrants: readonly Grant[];
  readonly now: readonly Slice[];
  readonly before: readonly Slice[];
}

/** Draws of prepaid units and money while periods are rated: units before prices, money behind them. */
export interface PrepaidDraws {
  /** What packs cover of a line; undefined: nothing. */
  covered(period: PrepaidPeriod, rateCard: Pick<RateCard, 'key'>): Coverage | undefined;
  /** Draws money for the lines as they are rated, and answers everything that each period drew; undefined where it does not draw. */
  payLines(
    rated: readonly { readonly period: PrepaidPeriod; readonly lines: readonly InvoiceLine[] }[],
  ): (PrepaidEntries | undefined)[];
}

/** Lets packs cover the usage of every card, in the order of the turns, at one cut. */
export async function drawPrepaid(reader: UsageReader, cards: readonly CardUsage[], cut: Cut): Promise<PrepaidDraws> {
  const draws = await cardDraws(reader, cards, cut);
  const covered = new Map<PrepaidPeriod, Map<string, Coverage>>();
  const units = new Map<PrepaidPeriod, UnitsDrawn[]>();
  const priced = new Map<CardDraw, Pick<LineDrawn, 'left' | 'leftBefore'>>();
  for (const card of inTurn(draws)) {
    const { period, rateCard } = card;
    const lines = covered.get(period) ?? new Map<string, Coverage>();
    covered.set(period, lines);
    const { drawn, changes, ...usage } = coverCard(card);
    priced.set(card, usage);
    const packs = drawn.map((each) => usageCovered(each, card.drawing.account));
    if (packs.length > 0) lines.set(rateCard.key, { packs, parts: coveredParts(card, usage.left) });
    units.set(period, [...(units.get(period) ?? []), ...changes.map((change) => unitsEntry(change, card))]);
  }
  return {
    covered(period, { key }) {
      const { prepaid } = period;
      return (prepaid === undefined || isDrawing(prepaid) ? covered.get(period) : prepaid.covered)?.get(key);
    },
    payLines(rated) {
      const linesOf = new Map(rated.map(({ period, lines }) => [period, lines]));
      const credits = new Map<PrepaidPeriod, CreditApplied[]>();
      for (const card of inTurn(draws)) {
        const line = linesOf.get(card.period)?.find(({ key }) => key === card.rateCard.key);
        if (line === undefined || card.moneyGrants.length === 0) continue;
        if (isSettled(card, line)) continue;
        const { changes } = payLine(card, line, priced.get(card));
        const entries = changes.map((change) => creditEntry(change, card));
        credits.set(card.period, [...(credits.get(card.period) ?? []), ...entries]);
      }
      return rated.map(({ period }) =>
        isDrawing(period.prepaid) ? { units: units.get(period) ?? [], credits: credits.get(period) ?? [] } : undefined,
      );
    },
  };
}

async function cardDraws(reader: UsageReader, cards: readonly CardUsage[], cut: Cut): Promise<CardDraw[]> {
  const needs: TimedNeed[] = [];
  const asked = cards.flatMap((card) => {
    const { prepaid, currency, committed } = card.period;
    if (!isDrawing(prepaid)) return [];
    const unitGrants = card.need !== null && isCoverable(card.need) ? prepaid.account.unitGrants(card.need.meter.key) : [];
    const moneyGrants = committed ? [] : prepaid.account.moneyGrants(currency);
    const grants = [...unitGrants, ...moneyGrants];
    const ask = (at: Pick<TimedNeed, 'cut' | 'known' | 'carriedUnits'>, toMs = Infinity): number | null => {
      if (card.need === null || !isDivisible(card.need) || grants.length === 0) return null;
      return needs.push({ ...card, need: { ...card.need, toMs: Math.min(card.need.toMs, toMs) }, grants, ...at }) - 1;
    };
    const now = ask({ cut, known: card.usage, carriedUnits: card.carriedUnits });
    const { billed } = prepaid;
    const seen = billed?.cut ?? null;
    const carriedBefore = billed?.line(card.rateCard.key).carriedUnits;
    const before = seen === null ? null : ask({ cut: seen, known: null, carriedUnits: carriedBefore }, billed?.usageToMs);
    return [{ ...card, drawing: prepaid, unitGrants, moneyGrants, now, before }];
  });
  const slices = await timedUsage(reader, needs);
  const at = (index: number | null) => (index === null ? [] : (slices[index] ?? []));
  return asked.map((card) => ({ ...card, now: at(card.now), before: at(card.before) }));
}

function coverCard({ drawing, rateCard, unitGrants, now, before }: CardDraw): LineDrawn {
  const { account, billed, booking } = drawing;
  const drawn = drawnUnits(billed?.line(rateCard.key).units ?? []);
  return account.draw({ line: rateCard.key, adjusts: billed?.invoice ?? null, before, now, drawn }, unitGrants, booking);
}

/** Whether credits stand as they are for what was billed: that is final, or the line is less by now on an invoice that gives nothing back. */
function isSettled({ drawing: { billed }, period }: CardDraw, { key, amount }: InvoiceLine): boolean {
  const was = billed?.line(key);
  if (was === undefined) return false;
  const isLess = compare(decimal(amount), decimal(was.amount)) < 0;
  return was.isFinal === true || (period.usageToMs !== undefined && isLess);
}

/** `priced`: the usage that the amount is for, which packs left. */
function payLine(
  { drawing, rateCard, moneyGrants, period }: CardDraw,
  line: InvoiceLine,
  { left, leftBefore }: Pick<LineDrawn, 'left' | 'leftBefore'> = { left: [], leftBefore: [] },
): LineDrawn {
  const { account, billed, booking } = drawing;
  const was = billed?.line(rateCard.key);
  const { price } = rateCard;
  const times = {
    fromMs: floorMinute(period.period.fromMs),
    toMs: floorMinute(period.period.toMs),
    inAdvance: price.model === 'flat' && price.paymentTerm === 'advance',
  };
  const slices = (amount: string, usage: readonly Slice[]) => moneySlices(decimal(amount), usage, times, period.currency);
  return account.draw(
    {
      line: rateCard.key,
      adjusts: billed?.invoice ?? null,
      before: slices(was?.amount ?? '0', leftBefore),
      now: slices(line.amount, left),
      drawn: drawnCredits(was?.credits ?? []),
    },
    moneyGrants,
    booking,
  );
}

function inTurn(draws: readonly CardDraw[]): CardDraw[] {
  return draws.toSorted((a, b) => a.drawing.turn - b.drawing.turn);
}

/** What packs took of the usage of each part: its slices lie within it. */
function coveredParts({ now, priceFromMs }: CardDraw, left: readonly Slice[]): string[] {
  const within = (slices: readonly Slice[], index: number) =>
    slices
      .filter(({ fromMs }) => fromMs >= (priceFromMs[index] ?? 0) && fromMs < (priceFromMs[index + 1] ?? Infinity))
      .reduce((sum, { quantity }) => add(sum, quantity), ZERO);
  return priceFromMs.map((_, index) => formatDecimal(subtract(within(now, index), within(left, index))));
}

function usageCovered({ grant, quantity }: LineDrawn['drawn'][number], account: PrepaidAccount): CoveredUsage {
  return { name: account.nameOf(grant), quantity: formatDecimal(quantity) };
}

function unitsEntry({ grant, name, quantity, units }: LineDrawn['changes'][number], { rateCard, drawing }: CardDraw): UnitsDrawn {
  const line = { line: rateCard.key, adjusts: drawing.billed?.invoice ?? null };
  return { grant, name, ...line, quantity: formatDecimal(quantity), units: formatDecimal(units) };
}

function creditEntry(
  { grant, name, units }: LineDrawn['changes'][number],
  { rateCard, drawing, period }: CardDraw,
): CreditApplied {
  const line = { line: rateCard.key, adjusts: drawing.billed?.invoice ?? null };
  return { grant, name, ...line, amount: formatMoney(units, period.currency) };
}
