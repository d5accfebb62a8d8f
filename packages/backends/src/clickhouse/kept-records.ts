import type { ClickHouseClient } from '@clickhouse/client';
import type { KeptRecords } from '@meterline/pipeline/ports';
import { queryRows } from './rows.ts';

const OF_RANGE = 'where partition = {partition:UInt16} and offset >= {from:UInt64} and offset < {to:UInt64}';

/** A replacement has two rows in `event`, with the same payload. Payloads travel as base64: a refused one need not be text. */
const PAGE = `
  select offset, tenant, toUnixTimestamp64Milli(appended_at), toUnixTimestamp64Milli(received_at), base64Encode(payload), refused_as from (
    select offset, tenant, appended_at, received_at, payload, '' as refused_as from event ${OF_RANGE} limit 1 by offset
    union all
    select offset, tenant, appended_at, received_at, payload, code as refused_as from refused_event ${OF_RANGE} limit 1 by offset
  ) order by offset`;

export function clickhouseKeptRecords(client: ClickHouseClient): KeptRecords {
  return {
    async page(partition, from, to) {
      const rows = await queryRows<[string, string, string, string, string, string]>(client, PAGE, { partition, from, to });
      return rows.map(([offset, tenant, appendedAtMs, receivedAtMs, payload, refusedAs]) => ({
        offset: Number(offset),
        tenant,
        appendedAtMs: Number(appendedAtMs),
        receivedAtMs: Number(receivedAtMs),
        value: Buffer.from(payload, 'base64'),
        refusedAs: refusedAs === '' ? null : refusedAs,
      }));
    },

    async corrections(partition) {
      const rows = await queryRows<[string, 'void' | 'replace']>(
        client,
        `select distinct offset, kind from event_key where partition = {partition:UInt16} and kind in ('void', 'replace')`,
        { partition },
      );
      return new Map(rows.map(([offset, kind]) => [Number(offset), kind]));
    },
  };
}
