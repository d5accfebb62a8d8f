import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileMeter, type Meter } from '@meterline/domain/meters';
import type { FeedingMeter } from '../ports/segment-ledger.ts';
import type { LogRecord, RecordKind } from '../ports/event-log.ts';
import type { IdClaim } from '../ports/usage-store.ts';
import { decodeRecord } from './decode.ts';
import { SegmentFold, type DerivedSegment, type Prefix } from './derive.ts';
import { readRows } from './rows.fixture.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-11-20T12:00:00Z');
const NOTHING: Prefix = { claims: () => [], event: () => undefined };

const meter: FeedingMeter & Meter = {
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
const config = { version: 1, pastMs: 35 * DAY_MS, futureMs: 300_000, metersOf: () => compiled };

function record(offset: number, value: object | string, kind: RecordKind = 'event'): LogRecord {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return { offset, tenant: 't', kind, appendedAtMs: NOW, receivedAtMs: NOW, value: Buffer.from(text) };
}

const event = (id: string, fields: object = {}) => ({
  id,
  source: 's',
  type: 'call',
  subject: 'ann',
  data: { minutes: '2' },
  ...fields,
});

function derive(records: readonly LogRecord[], prefix: Prefix = NOTHING): DerivedSegment {
  const start = records[0]?.offset ?? 0;
  const fold = new SegmentFold({ partition: 0, start, end: start + records.length }, config, records);
  fold.add(records.map(decodeRecord), prefix);
  return fold.finish();
}

const rows = (segment: DerivedSegment, table: keyof DerivedSegment['tables']) => readRows(table, segment.tables[table].body);

describe('SegmentFold', () => {
  it('lets the first offset of an id win: the same content again is a duplicate, other content a conflict', () => {
    const { manifest } = derive([
      record(0, event('a')),
      record(1, event('a')),
      record(2, event('a', { data: { minutes: '3' } })),
    ]);
    expect(manifest).toMatchObject({ accepted: 1, duplicate: 1, conflict: 1, rejected: 0 });
  });

  it('knows the ids of the committed prefix, and lets one come back after the window', () => {
    const first = decodeRecord(record(0, event('a')));
    const claim = (appendedAtMs: number): IdClaim => ({
      idHash: first.idHash ?? '',
      offset: 0,
      kind: 'event',
      payloadHash: first.payloadHash,
      appendedAtMs,
    });
    const known = (appendedAtMs: number): Prefix => ({ ...NOTHING, claims: () => [claim(appendedAtMs)] });
    expect(derive([record(9, event('a'))], known(NOW - DAY_MS)).manifest).toMatchObject({ duplicate: 1 });
    expect(derive([record(9, event('a', { subject: 'bob' }))], known(NOW - 35 * DAY_MS)).manifest).toMatchObject({ conflict: 1 });
    expect(derive([record(9, event('a'))], known(NOW - 36 * DAY_MS)).manifest).toMatchObject({ accepted: 1 });
  });

  it("judges the time of an event, and gives it one, by its tenant's time; how long its id is known, by the server's", () => {
    const aheadMs = 400 * DAY_MS;
    const inSandbox = (offset: number, fields: object): LogRecord => ({
      ...record(offset, fields),
      receivedAtMs: NOW + aheadMs,
    });
    const at = (ms: number) => ({ time: new Date(ms).toISOString() });
    const segment = derive([
      inSandbox(0, event('now', at(NOW + aheadMs))),
      inSandbox(1, event('untimed')),
      inSandbox(2, event('by the server', at(NOW))),
      inSandbox(3, event('early', at(NOW + aheadMs + 600_000))),
    ]);
    expect(segment.manifest).toMatchObject({ accepted: 2, rejected: 2, appendedThroughMs: NOW });
    expect(rows(segment, 'refused_event').map(({ code }) => code)).toEqual(['event.too_old', 'event.in_future']);
    const times = rows(segment, 'event').map((row) => [row['time'], row['appended_at'], row['received_at']]);
    expect(times).toEqual(Array(2).fill([NOW + aheadMs, NOW, NOW + aheadMs].map(BigInt)));

    // The clock is moved on by 400 days within a day: a copy sent again is one all the same.
    const first = decodeRecord(record(0, event('a')));
    const claim = { idHash: first.idHash ?? '', offset: 0, kind: 'event', payloadHash: first.payloadHash } as const;
    const known: Prefix = { ...NOTHING, claims: () => [{ ...claim, appendedAtMs: NOW - DAY_MS }] };
    expect(derive([inSandbox(9, event('a'))], known).manifest).toMatchObject({ duplicate: 1 });
  });

  it('rejects what is malformed, too old, too early or unusable for a meter, with its reason and its bytes', () => {
    const segment = derive([
      record(0, 'not json'),
      record(1, '[]'),
      record(2, { id: 'x' }),
      record(3, event('old', { time: new Date(NOW - 36 * DAY_MS).toISOString() })),
      record(4, event('early', { time: new Date(NOW + 600_000).toISOString() })),
      record(5, event('value', { data: { minutes: 'many' } })),
      record(6, event('bad time', { time: 'yesterday' })),
      record(7, { id: 'never seen', source: 's' }, 'void'),
    ]);
    expect(segment.manifest).toMatchObject({ accepted: 0, rejected: 8 });
    const refused = rows(segment, 'refused_event');
    expect(refused.map(({ code }) => code)).toEqual([
      ...Array<string>(3).fill('event.malformed'),
      'event.too_old',
      'event.in_future',
      'meter.value_not_numeric',
      'event.malformed',
      'event.unknown',
    ]);
    expect(refused[0]?.['payload']).toBe('not json');
  });

  it('does not let a rejected record claim its id', () => {
    const { manifest } = derive([record(0, event('a', { data: {} })), record(1, event('a'))]);
    expect(manifest).toMatchObject({ rejected: 1, accepted: 1 });
  });

  it('withdraws once, replaces by other content once, and keeps both as claims', () => {
    const segment = derive([
      record(0, event('a')),
      record(1, { id: 'a', source: 's' }, 'void'),
      record(2, { id: 'a', source: 's' }, 'void'),
      record(3, event('a', { data: { minutes: '5' } }), 'replace'),
      record(4, event('a', { data: { minutes: '5' } }), 'replace'),
      record(5, event('a')),
    ]);
    // 2 counted, withdrawn, then 5 in its place: one delta of 2 additions, 1 withdrawal, value 5
    expect(segment.manifest).toMatchObject({ accepted: 3, duplicate: 3 });
    expect(rows(segment, 'usage_delta')).toMatchObject([{ gross: 2n, voids: 1n, value: 5n * 10n ** 12n }]);
  });

  it('keeps an event that spans lines whole', () => {
    const segment = derive([record(0, JSON.stringify(event('a'), null, 2))]);
    expect(segment.manifest.accepted).toBe(1);
    expect(rows(segment, 'event')).toMatchObject([{ payload: JSON.stringify(event('a'), null, 2) }]);
  });

  it('derives the same rows again, and every record has exactly one outcome', () => {
    const records = fc.array(
      fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'd'),
        minutes: fc.constantFrom('1', '2', 'x'),
        kind: fc.constantFrom<RecordKind>('event', 'void', 'replace'),
      }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(records, (list) => {
        const log = list.map(({ id, minutes, kind }, offset) =>
          record(offset, kind === 'void' ? { id, source: 's' } : event(id, { data: { minutes } }), kind),
        );
        const [once, again] = [derive(log), derive(log)];
        expect(again.manifest).toEqual(once.manifest);
        for (const table of ['event', 'event_key', 'refused_event', 'usage_delta'] as const)
          expect(rows(again, table)).toEqual(rows(once, table));
        const { accepted, duplicate, conflict, rejected } = once.manifest;
        expect(accepted + duplicate + conflict + rejected).toBe(log.length);
        expect(once.manifest.identity.refused_event.rows).toBe(duplicate + conflict + rejected);
        expect(once.manifest.identity.event_key.rows).toBe(accepted);
      }),
    );
  });
});
