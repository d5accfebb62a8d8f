import type { ClickHouseClient } from '@clickhouse/client';
import type { RefusalStatus, RefusedEventReader } from '@meterline/pipeline/ports';
import type { UsageVisibility } from './usage-reader.ts';
import { queryRows } from './rows.ts';

type Row = [number, string, RefusalStatus, string, string, string, string];

export function clickhouseRefusedEvents(
  client: ClickHouseClient,
  visibility: Pick<UsageVisibility, 'committedCut'>,
): RefusedEventReader {
  return {
    async page({ status, fromMs, toMs, after, limit }, tenant) {
      const conditions = ['tenant = {tenant:String}', 'segment_start < {cut:Array(UInt64)}[partition + 1]'];
      const params: Record<string, unknown> = { tenant, cut: await visibility.committedCut(), limit: limit + 1 };
      const where = (condition: string, values: Record<string, unknown>) => {
        conditions.push(condition);
        Object.assign(params, values);
      };
      if (status !== undefined) where('status = {status:String}', { status });
      if (fromMs !== undefined) where('received_at >= fromUnixTimestamp64Milli({from:Int64})', { from: fromMs });
      if (toMs !== undefined) where('received_at < fromUnixTimestamp64Milli({to:Int64})', { to: toMs });
      if (after !== null) {
        const [atMs, partition, offset] = after.split('.');
        where(
          '(received_at, partition, offset) < (fromUnixTimestamp64Milli({atMs:Int64}), {atPartition:UInt16}, {atOffset:UInt64})',
          { atMs, atPartition: partition, atOffset: offset },
        );
      }
      const query = `select partition, offset, status, code, detail, toUnixTimestamp64Milli(received_at), payload
        from refused_event final where ${conditions.join(' and ')}
        order by received_at desc, partition desc, offset desc limit {limit:UInt32}`;
      const rows = await queryRows<Row>(client, query, params);
      const items = rows.slice(0, limit).map(([partition, offset, what, code, detail, receivedAtMs, payload]) => {
        return { partition, offset: Number(offset), status: what, code, detail, receivedAtMs: Number(receivedAtMs), payload };
      });
      const last = rows.length > limit ? items.at(-1) : undefined;
      return { items, nextAfter: last === undefined ? null : `${last.receivedAtMs}.${last.partition}.${last.offset}` };
    },
  };
}
