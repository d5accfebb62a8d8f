import { type InvoiceLine, invoiceLine, totalOf } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import { floorMinute } from '@meterline/domain/time';
import type { Meter } from '@meterline/domain/meters';
import type { AccountReader, Cut, MeterStore, UsageReader } from '../ports/index.ts';
import { meterUsage, type UsageNeed } from './meter-usage.ts';

export interface RatingPorts {
  readonly usage: UsageReader;
  readonly accounts: AccountReader;
  readonly meters: Pick<MeterStore, 'byKeys'>;
}

/** The rate cards of one subscription over one billing period. */
export interface PeriodToRate {
  readonly subjects: readonly string[];
  readonly currency: string;
  readonly rateCards: readonly RateCard[];
  readonly period: Pick<BillingPeriod, 'fromMs' | 'toMs' | 'days' | 'daysInPeriod'>;
}

export interface RatedPeriod {
  readonly lines: readonly InvoiceLine[];
  /** Sum of the rounded lines. */
  readonly total: string;
}

/**
 * Rates every period, in order, at one cut (absent: the committed cut of this moment). Live spend, alerts, invoices and their
 * verification all come from here, so that they cannot differ.
 */
export async function ratePeriods(
  ports: RatingPorts,
  periods: readonly PeriodToRate[],
  tenant: string,
  cut?: Cut,
): Promise<{ rated: RatedPeriod[]; cut: Cut }> {
  const cards = periods.flatMap((period) => period.rateCards.map((rateCard) => ({ period, rateCard })));
  const meters = await metersOf(ports, cards, tenant);
  const needs = cards.map(({ period, rateCard }) => usageNeed(period, rateCard, meters));
  const answer = await meterUsage(
    ports.usage,
    needs.flatMap((need) => need ?? []),
    cut,
  );

  let nextCard = 0;
  let nextUsage = 0;
  const rated = periods.map((period): RatedPeriod => {
    const lines = period.rateCards.map((rateCard) => {
      const usage = needs[nextCard++] === null ? null : (answer.usage[nextUsage++] ?? null);
      return invoiceLine({
        currency: period.currency,
        rateCard,
        usage,
        days: period.period.days,
        daysInPeriod: period.period.daysInPeriod,
      });
    });
    return { lines, total: totalOf(lines, period.currency) };
  });
  return { rated, cut: answer.cut };
}

async function metersOf(
  ports: RatingPorts,
  cards: readonly { rateCard: RateCard }[],
  tenant: string,
): Promise<Map<string, Meter>> {
  const keys = [...new Set(cards.flatMap(({ rateCard }) => rateCard.meter ?? []))];
  const meters = keys.length === 0 ? [] : await ports.meters.byKeys(keys, tenant);
  return new Map(meters.map((meter) => [meter.key, meter]));
}

/** Null for a card without a meter. */
function usageNeed({ period, subjects }: PeriodToRate, rateCard: RateCard, meters: ReadonlyMap<string, Meter>): UsageNeed | null {
  if (rateCard.meter === undefined) return null;
  const meter = meters.get(rateCard.meter);
  if (meter === undefined) throw new Error(`rate card ${rateCard.key} names meter ${rateCard.meter}, which does not exist`);
  const filter: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(rateCard.filter ?? {})) filter[name] = typeof value === 'string' ? [value] : value;
  return {
    meter,
    // Usage is kept by the minute. Few zones ever began a day within one; there both neighbouring periods are cut at the same minute.
    fromMs: floorMinute(period.fromMs),
    toMs: floorMinute(period.toMs),
    subjects,
    filter,
  };
}
