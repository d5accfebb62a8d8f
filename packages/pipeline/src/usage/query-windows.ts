import { foldWindows, formatQuantity, quotient, windowIndexAt } from '@meterline/domain/meters';
import { type TimeWindow, windowsBetween } from '@meterline/domain/time';
import type { UsageQuery, UsageRow } from '../ports/usage-reader.ts';
import { compareGroups, type QueryGroup } from './counted-events.ts';

/** The windows a query answers, and those that its meter folds them from: the same for a meter without a fold. */
export interface QueryWindows {
  readonly answered: readonly TimeWindow[];
  readonly folded: readonly TimeWindow[];
}

/** What one window and group came to. */
export interface WindowValue extends QueryGroup {
  /** Start of one of the folded windows. */
  readonly fromMs: number;
  /** Fixed point, 12 decimals. Of an average the sum. */
  readonly value: bigint;
  readonly events: number;
}

export function queryWindows({ meter, fromMs, toMs, window, timezone = 'UTC' }: UsageQuery): QueryWindows {
  const answered = window === undefined ? [{ fromMs, toMs }] : windowsBetween({ fromMs, toMs, ...window });
  const size = meter.fold?.window;
  if (size === undefined) return { answered, folded: answered };
  return { answered, folded: answered.flatMap((range) => windowsBetween({ ...range, size, timezone })) };
}

/** The rows of the answer, from window values in their order (window, subject, groups). */
export function usageRows(query: UsageQuery, { answered, folded }: QueryWindows, values: readonly WindowValue[]): UsageRow[] {
  const { meter } = query;
  const { fold } = meter;
  const each = meter.aggregation === 'average' ? values.map(averaged) : values;
  if (fold === undefined) return each.flatMap((value) => rowOf(query, answered[windowIndexAt(answered, value.fromMs)], value));
  const windowsIn = new Map<number, number>();
  for (const { fromMs } of folded) {
    const index = windowIndexAt(answered, fromMs);
    windowsIn.set(index, (windowsIn.get(index) ?? 0) + 1);
  }
  const groups = Map.groupBy(each, ({ fromMs, subject, groups: texts }) =>
    JSON.stringify([windowIndexAt(answered, fromMs), subject, texts]),
  );
  const folds = [...groups.values()].flatMap((those): FoldedValue[] => {
    const [first] = those;
    if (first === undefined) return [];
    const index = windowIndexAt(answered, first.fromMs);
    const value = foldWindows(fold, those.map((one) => one.value), windowsIn.get(index) ?? 0); // prettier-ignore
    return [{ ...first, index, value, events: those.reduce((sum, one) => sum + one.events, 0) }];
  });
  return folds
    .toSorted((a, b) => a.index - b.index || compareGroups(a, b))
    .flatMap((folded) => rowOf(query, answered[folded.index], folded));
}

interface FoldedValue extends WindowValue {
  /** Of the answered window. */
  readonly index: number;
}

function averaged(value: WindowValue): WindowValue {
  return { ...value, value: quotient(value.value, BigInt(value.events)) };
}

function rowOf({ bySubject, groupBy = [] }: UsageQuery, window: TimeWindow | undefined, value: WindowValue): UsageRow[] {
  if (window === undefined) return [];
  return [
    {
      windowFromMs: window.fromMs,
      windowToMs: window.toMs,
      subject: bySubject === true ? value.subject : null,
      group: Object.fromEntries(groupBy.map((name, index) => [name, value.groups[index] ?? ''])),
      value: formatQuantity(value.value),
      events: value.events,
    },
  ];
}
