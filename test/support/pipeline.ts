import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clickhouseUsageReader, clickhouseUsageStore } from '@meterline/backends/clickhouse';
import { openLmdbLog } from '@meterline/backends/embedded';
import { postgresSegmentLedger, usageVisibility } from '@meterline/backends/postgres';
import type { Meter } from '@meterline/domain/meters';
import { Aggregator, sealPass, type AggregationStep } from '@meterline/pipeline/aggregation';
import { partitionOf } from '@meterline/pipeline/events';
import type { RecordKind, UsageStore } from '@meterline/pipeline/ports';
import { openTestClickhouse, type TestClickhouse } from './clickhouse.ts';
import { openTestDatabase } from './database.ts';

const DAY_MS = 86_400_000;
const ACCEPTANCE = { pastMs: 35 * DAY_MS, futureMs: 5 * 60_000 };

export interface TestEvent {
  readonly id: string;
  readonly source?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly time?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Log, ledger, usage store and reader on the embedded engines or those given, with an aggregator to be driven step by step. */
export async function openTestPipeline(
  options: { partitions?: number; tenant?: string; clickhouse?: () => Promise<TestClickhouse> } = {},
) {
  const partitionCount = options.partitions ?? 1;
  const tenant = options.tenant ?? 'default';
  const folder = mkdtempSync(path.join(tmpdir(), 'meterline-log-'));
  const database = await openTestDatabase();
  const clickhouse = await (options.clickhouse ?? openTestClickhouse)();
  const log = await openLmdbLog({ folder, partitionCount });
  const ledger = postgresSegmentLedger(database);
  const usage = clickhouseUsageStore(clickhouse.client);
  const reader = clickhouseUsageReader(clickhouse.client, usageVisibility(database, ledger, log.logId));
  const partitions = Array.from({ length: partitionCount }, (_, partition) => partition);
  await database.query(`insert into tenant (id, name, created_at) values ($1, $1, now())`, [tenant]);
  await ledger.setAcceptance(ACCEPTANCE);

  return {
    database,
    client: clickhouse.client,
    log,
    ledger,
    usage,
    reader,
    tenant,

    async append(events: readonly (TestEvent & { kind?: RecordKind })[], appendedAtMs: number): Promise<void> {
      for (const { kind = 'event', id, source = 'test', type = 'call', subject = 's', time, data } of events) {
        const event =
          kind === 'void'
            ? { id, source }
            : { id, source, type, subject, ...(time === undefined ? {} : { time }), ...(data === undefined ? {} : { data }) };
        const partition = partitionOf(tenant, source, id, partitionCount);
        await log.append({ partition, tenant, appendedAtMs, records: [{ kind, value: Buffer.from(JSON.stringify(event)) }] });
      }
    },

    /** A fresh owner of every partition, as after a restart. */
    async aggregator(
      how: {
        segmentRecordsMax?: number;
        writeAheadRecords?: number;
        usage?: UsageStore;
        onStep?: (step: AggregationStep) => void | Promise<void>;
      } = {},
    ) {
      const limits = {
        segmentRecordsMax: how.segmentRecordsMax ?? 20_000,
        segmentBytesMax: 16_000_000,
        writeAheadRecords: how.writeAheadRecords ?? 20_000,
      };
      const onStep = how.onStep === undefined ? {} : { onStep: how.onStep };
      const aggregator = new Aggregator(
        { log, ledger, usage: how.usage ?? usage },
        { owner: 'test', partitions, limits, ...onStep },
      );
      const { warmed } = await aggregator.acquire(
        new AbortController().signal,
        Date.now(),
        ACCEPTANCE.pastMs + ACCEPTANCE.futureMs,
      );
      return { aggregator, warmed };
    },

    /** Cycles until everything in the log is committed, then seals. */
    async settle(aggregator: Aggregator): Promise<void> {
      while ((await aggregator.cycle()).records > 0);
      const seal = () => sealPass({ logId: log.logId, ledger, usage, rewrite: (segment) => aggregator.rewrite(segment) });
      while ((await seal()).more);
    },

    async meter(fields: Partial<Meter> & Pick<Meter, 'key' | 'aggregation'>): Promise<Meter> {
      const [row] = await database.query<{ version: string }>(`update meter_config set version = version + 1 returning version`);
      const meter: Meter = {
        tenant,
        name: fields.key,
        eventType: 'call',
        valueProperty: ['count', 'peak_concurrency'].includes(fields.aggregation) ? null : '$.value',
        dimensions: {},
        filter: {},
        createdVersion: Number(row?.version),
        archivedVersion: null,
        ...fields,
      };
      const { key, name, eventType, aggregation, valueProperty, dimensions, filter, createdVersion } = meter;
      const terms = [meter.level, meter.session, meter.fold].map((one) => (one === undefined ? null : JSON.stringify(one)));
      await database.query(
        `insert into meter (tenant, key, name, event_type, aggregation, value_property, dimensions, filter, created_version, level, session, fold, created_at)
         values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9, $10::jsonb, $11::jsonb, $12::jsonb, now())`,
        [
          tenant,
          key,
          name,
          eventType,
          aggregation,
          valueProperty,
          JSON.stringify(dimensions),
          JSON.stringify(filter),
          createdVersion,
          ...terms,
        ],
      );
      return meter;
    },

    async close(): Promise<void> {
      await log.close();
      await clickhouse.close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type TestPipeline = Awaited<ReturnType<typeof openTestPipeline>>;
