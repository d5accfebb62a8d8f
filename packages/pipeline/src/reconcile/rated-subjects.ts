import { looksBackAt } from '../invoices/index.ts';
import type { Cut, RatedSpan, RatedSubjects, SubjectRange } from '../ports/index.ts';

/** What an issued invoice says about whose events it rated. */
export interface IssuedPeriod {
  readonly subscription: string;
  readonly subjects: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly cut: Cut;
}

/** Spans and subjects sent with one query: they travel inside it. */
const RANGE_SIZE_MAX = 4000;

/**
 * Divides all subjects there may be into ranges, each with what the tenant's invoices rated of its subjects: every event lies in exactly one
 * range, also those of subjects that no invoice knows. An invoice rates its own period, and again the periods it looks back at.
 */
export function subjectRanges(issued: readonly IssuedPeriod[], sizeMax = RANGE_SIZE_MAX): SubjectRange[] {
  const ofSubject = new Map<string, number[]>();
  for (const [index, { subjects }] of issued.entries()) {
    for (const subject of new Set(subjects)) {
      const list = ofSubject.get(subject);
      if (list === undefined) ofSubject.set(subject, [index]);
      else list.push(index);
    }
  }
  const settled = settledSpans(issued);
  type Group = RatedSubjects & { readonly subjects: string[] };
  const ranges: { readonly from: string; readonly groups: Map<string, Group> }[] = [];
  let groups = startRange('');
  let size = 0;
  for (const [subject, invoices] of [...ofSubject].sort(byBytes)) {
    const key = invoices.join();
    const invoiced = invoices.flatMap((at) => issued[at] ?? []);
    const adjusted = invoices.flatMap((at) => settled[at] ?? []);
    const whole = 1 + invoiced.length + adjusted.length;
    if (size > 0 && size + (groups.has(key) ? 1 : whole) > sizeMax) {
      groups = startRange(subject);
      size = 0;
    }
    size += groups.has(key) ? 1 : whole;
    const group = groups.get(key) ?? { subjects: [], invoiced, adjusted };
    groups.set(key, group);
    group.subjects.push(subject);
  }
  return ranges.map(({ from, groups }, index) => ({ from, to: ranges[index + 1]?.from ?? null, rated: [...groups.values()] }));

  function startRange(from: string): Map<string, Group> {
    const groups = new Map<string, Group>();
    ranges.push({ from, groups });
    return groups;
  }
}

/** For each invoice, the earlier periods of its subscription that it settles, at its own cut. */
function settledSpans(issued: readonly IssuedPeriod[]): RatedSpan[][] {
  const bySubscription = Map.groupBy(issued, ({ subscription }) => subscription);
  return issued.map(({ subscription, fromMs, cut }) =>
    (bySubscription.get(subscription) ?? [])
      .filter((earlier) => looksBackAt({ periodToMs: earlier.toMs }, { fromMs }))
      .map((earlier) => ({ fromMs: earlier.fromMs, toMs: earlier.toMs, cut })),
  );
}

function byBytes([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
