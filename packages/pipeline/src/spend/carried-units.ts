import { carriedOn, type LineInput } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';

/** Units by rate card. */
type Units = ReadonlyMap<string, string>;

/** What came into a period of its allowances: units as stated, or what another period leaves that is rated in the same call. */
export type CarriedFrom<Period> = { readonly stated: Units } | { readonly after: Period };

interface Chained<Period> {
  readonly carried?: CarriedFrom<Period> | undefined;
}

interface RatedCard {
  readonly card: Pick<RateCard, 'key'>;
  readonly parts: LineInput['parts'];
}

const NONE: Units = new Map();

/** Answers the units that came into each of these periods, which have their cards measured. */
export function carriedUnits<Period extends Chained<Period>>(
  measured: ReadonlyMap<Period, readonly RatedCard[]>,
): (period: Period) => Units {
  const left = new Map<Period, Units>();
  const into = ({ carried }: Period): Units => {
    if (carried === undefined) return NONE;
    return 'stated' in carried ? carried.stated : (left.get(carried.after) ?? NONE);
  };
  for (const period of earlierFirst(measured.keys())) {
    const cards = measured.get(period);
    if (cards === undefined) throw new Error('a period takes over units of one that is not rated with it');
    left.set(period, leftBy(cards, into(period)));
  }
  return into;
}

function leftBy(cards: readonly RatedCard[], came: Units): Units {
  const left = cards.flatMap(({ card: { key }, parts }) => {
    const { carriedOver } = carriedOn({ parts, carriedUnits: came.get(key) });
    return carriedOver === undefined ? [] : [[key, carriedOver] as const];
  });
  return new Map(left);
}

/** A chain may be as long as a subscription waits for its invoices: it is followed without recursion. */
function earlierFirst<Period extends Chained<Period>>(periods: Iterable<Period>): ReadonlySet<Period> {
  const ordered = new Set<Period>();
  for (const period of periods) {
    const chain: Period[] = [];
    for (let at: Period | undefined = period; at !== undefined && !ordered.has(at); at = periodBefore(at)) chain.push(at);
    for (const each of chain.reverse()) ordered.add(each);
  }
  return ordered;
}

function periodBefore<Period extends Chained<Period>>({ carried }: Period): Period | undefined {
  return carried !== undefined && 'after' in carried ? carried.after : undefined;
}
