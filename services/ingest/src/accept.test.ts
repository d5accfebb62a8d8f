import fc from 'fast-check';
import { expect, it } from 'vitest';
import { judgeEvents } from './accept.ts';
import { checkEvent } from './event-check.ts';
import { eventFaults } from './event-faults.ts';

const window = { earliestMs: Date.parse('2026-01-01T00:00:00Z'), latestMs: Date.parse('2026-02-01T00:00:00Z') };
const judge = { window, eventBytesMax: 65_536, screen: () => undefined };

const attribute = fc.oneof(
  fc.constantFrom<unknown>('a', 'ok', 'x'.repeat(256), 'x'.repeat(257), '', 'a\u0000', '\ud800', 7, null, undefined, {}),
  fc.string(),
);
const data = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, [], 'x', 5, JSON.parse('{"a":{"__proto__":1}}')),
  fc.dictionary(fc.string(), fc.jsonValue()),
);
const anything = fc.record(
  {
    id: attribute,
    source: attribute,
    type: attribute,
    subject: attribute,
    time: fc.constantFrom<unknown>(
      '2026-01-01T00:00:00Z',
      '2026-02-01T00:00:00.001Z',
      '2025-12-31T23:59:59.999Z',
      '2026-01-15T10:00:00+02:00',
      'x',
      1,
      null,
    ),
    specversion: fc.constantFrom<unknown>('1.0', '0.3', 1, null),
    datacontenttype: fc.constantFrom<unknown>(
      'application/json',
      'application/json; charset=utf-8',
      'application/x+json',
      'text/xml',
      null,
    ),
    dataschema: attribute,
    data,
    ext1: fc.constantFrom<unknown>('x', 1, null, {}, []),
    Ext: fc.constantFrom<unknown>('x', {}),
    constructor: fc.constantFrom<unknown>('x', {}),
  },
  { requiredKeys: [] },
);
const good = fc.record({
  id: fc.stringMatching(/^[a-z0-9]{1,20}$/),
  source: fc.constant('s'),
  type: fc.constant('t'),
  subject: fc.constant('u'),
});

it('stores exactly the good events of any batch, in order, and names every other one', () => {
  const batch = fc.array(
    fc.oneof(
      good.map((event) => ({ event, isGood: true })),
      anything.map((event) => ({ event: { ...event, id: 5 }, isGood: false })),
    ),
  );
  fc.assert(
    fc.property(batch, (entries) => {
      const { accepted, rejected } = judgeEvents(
        entries.map(({ event }) => event),
        judge,
      );
      expect(accepted.map(({ value }) => JSON.parse(Buffer.from(value).toString()))).toEqual(
        entries.filter(({ isGood }) => isGood).map(({ event }) => event),
      );
      expect(rejected.map(({ index }) => index)).toEqual(entries.flatMap(({ isGood }, index) => (isGood ? [] : [index])));
    }),
  );
});

it('finds a fault in exactly the events that the quick check refuses', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), anything), (input) => {
      expect(eventFaults(input, window).length > 0).toBe(checkEvent(input, window) === undefined);
    }),
    { numRuns: 2_000 },
  );
});
