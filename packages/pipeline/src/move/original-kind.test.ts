import { compileMeter, type Meter } from '@meterline/domain/meters';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeRecord, hashId } from '../aggregation/decode.ts';
import { SegmentFold } from '../aggregation/derive.ts';
import { readRows } from '../aggregation/rows.fixture.ts';
import type { LogRecord, RecordKind } from '../ports/event-log.ts';
import type { IdClaim } from '../ports/usage-store.ts';
import { kindOfRefused } from './original-kind.ts';

const WINDOW = { pastMs: 10, futureMs: 2 };
const meter: Meter & { backfill: null } = {
  tenant: 't',
  key: 'minutes',
  name: 'Minutes',
  eventType: 'call',
  aggregation: 'sum',
  valueProperty: '$.minutes',
  dimensions: {},
  filter: {},
  createdVersion: 1,
  archivedVersion: null,
  backfill: null,
};
const compiled = [compileMeter(meter)];

/** Few ids and contents, so that they meet; waits so long that ids come back, and times so far off that they are refused. */
const records = fc
  .array(
    fc.record({
      kind: fc.constantFrom<RecordKind>('event', 'event', 'void', 'replace'),
      id: fc.constantFrom('a', 'b'),
      minutes: fc.constantFrom('1', '2', 'many'),
      waitMs: fc.constantFrom(0, 0, 1, 30),
      offMs: fc.constantFrom(0, 0, 0, -20, 20),
      // the tenant's clock is moved
      movedMs: fc.constantFrom(0, 0, 0, 15),
      isMalformed: fc.constantFrom(false, false, false, false, true),
    }),
    { maxLength: 14 },
  )
  .map((drawn) => {
    let appendedAtMs = 1_800_000_000_000;
    let aheadMs = 0;
    return drawn.map(({ kind, id, minutes, waitMs, offMs, movedMs, isMalformed }, offset): LogRecord => {
      appendedAtMs += waitMs;
      aheadMs += movedMs;
      const receivedAtMs = appendedAtMs + aheadMs;
      const time = new Date(receivedAtMs + offMs).toISOString();
      const event = { id, source: 's', type: 'call', subject: 'ann', time, data: { minutes } };
      const value = kind === 'void' ? { id, source: 's' } : isMalformed ? { id, source: 's', type: 'call' } : event;
      return { offset, tenant: 't', kind, appendedAtMs, receivedAtMs, value: Buffer.from(JSON.stringify(value)) };
    });
  });

function derive(log: readonly LogRecord[]) {
  const fold = new SegmentFold(
    { partition: 0, start: 0, end: log.length },
    { version: 1, ...WINDOW, metersOf: () => compiled },
    log,
  );
  fold.add(log.map(decodeRecord), { claims: () => [], event: () => undefined });
  const { tables, manifest } = fold.finish();
  return {
    manifest,
    refused: new Map(
      readRows('refused_event', tables.refused_event.body).map((row) => [Number(row['offset']), String(row['code'])]),
    ),
    claims: readRows('event_key', tables.event_key.body),
  };
}

it('finds, for every refused record, a kind that is refused for the same reason at the same place', () => {
  fc.assert(
    fc.property(records, (log) => {
      const first = derive(log);
      const claimed = new Set(first.claims.map((row) => Number(row['offset'])));
      const claims: IdClaim[] = log
        .filter(({ offset }) => claimed.has(offset))
        .map((record) => ({ ...decodeRecord(record), kind: record.kind, idHash: decodeRecord(record).idHash ?? '' }));
      const recovered = log.map((record): LogRecord => {
        const code = first.refused.get(record.offset);
        if (code === undefined) return record;
        const { id } = JSON.parse(Buffer.from(record.value).toString()) as { id: string };
        const before = claims.filter(({ idHash, offset }) => idHash === hashId('t', 's', id) && offset < record.offset);
        return { ...record, kind: kindOfRefused(code, decodeRecord({ ...record, kind: 'event' }), before, WINDOW) };
      });
      expect(derive(recovered)).toEqual(first);
    }),
    { numRuns: 500 },
  );
});
