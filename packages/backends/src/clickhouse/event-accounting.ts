import type { ClickHouseClient } from '@clickhouse/client';
import type { Cut, EventAccounting, RatedSpan, SubjectRange } from '@meterline/pipeline/ports';
import { queryRows, type QueryParams } from './rows.ts';

const VISIBLE = 'segment_start < {cut:Array(UInt64)}[partition + 1]';

/** A span's third element says which of `cuts` it is: invoices of one run share theirs. */
const SPANS = 'Array(Tuple(Int64, Int64, UInt32))';
const RATED = `arrayExists(span -> at >= span.1 and at < span.2 and segment_start < {cuts:Array(Array(UInt64))}[span.3][partition + 1], `;

/** Counts in the order of EventTally. Every row is of exactly one kind, so the counts add up to the rows. */
function tallyQuery({ to }: SubjectRange): string {
  const seen = `tenant = {tenant:String} and subject >= {from:String} ${to === null ? '' : 'and subject < {to:String}'} and ${VISIBLE}`;
  return `
    select countIf(is = 'withdrawn'), countIf(is = 'invoiced'), countIf(is = 'adjusted'), countIf(is = 'pending'), countIf(is = 'withdrawal')
    from (
      select multiIf(kind = 'void', 'withdrawal', gone, 'withdrawn', ${RATED} rated.1), 'invoiced', ${RATED} rated.2), 'adjusted', 'pending') as is
      from (
        select kind, subject, toUnixTimestamp64Milli(time) as at, partition, segment_start,
          (partition, offset) in (select partition, target_offset from event where kind = 'void' and ${seen}) as gone
        from event final where ${seen}
      ) as events
      left any join (
        select entry.1 as subject, JSONExtract({rated:String}, 'Array(Tuple(${SPANS}, ${SPANS}))')[entry.2] as rated
        from (select arrayJoin(JSONExtract({subjects:String}, 'Array(Tuple(String, UInt32))')) as entry)
      ) as invoices using (subject)
    )`;
}

export function clickhouseEventAccounting(client: ClickHouseClient): EventAccounting {
  const rows = (query: string, params: QueryParams) => queryRows<string[]>(client, query, params);

  return {
    async tenants(cut) {
      const found = await rows(`select distinct tenant from event where ${VISIBLE} order by tenant`, { cut });
      return found.flat();
    },

    async tally(range, cut, tenant) {
      const { from, to } = range;
      const params = { tenant, from, ...(to === null ? {} : { to }), cut, ...ratedParams(range) };
      const [counts = []] = await rows(tallyQuery(range), params);
      const [withdrawn = 0, invoiced = 0, adjusted = 0, pending = 0, withdrawals = 0] = counts.map(Number);
      return { withdrawn, invoiced, adjusted, pending, withdrawals };
    },

    async voidRecords(cut) {
      const [row] = await rows(`select uniqExact(partition, offset) from event_key where kind = 'void' and ${VISIBLE}`, { cut });
      return Number(row?.[0] ?? 0);
    },
  };
}

/** Everything that repeats is sent once: cuts, and the spans that several subjects have in common. */
function ratedParams({ rated }: SubjectRange): { subjects: string; rated: string; cuts: readonly Cut[] } {
  const cuts = new Map<string, { index: number; cut: Cut }>();
  const span = ({ fromMs, toMs, cut }: RatedSpan) => {
    const key = cut.join();
    const known = cuts.get(key) ?? { index: cuts.size + 1, cut };
    cuts.set(key, known);
    return [fromMs, toMs, known.index];
  };
  const spans = rated.map(({ invoiced, adjusted }) => [invoiced.map(span), adjusted.map(span)]);
  const subjects = rated.flatMap((group, index) => group.subjects.map((subject) => [subject, index + 1]));
  return { subjects: JSON.stringify(subjects), rated: JSON.stringify(spans), cuts: [...cuts.values()].map(({ cut }) => cut) };
}
