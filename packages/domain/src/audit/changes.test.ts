import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentChanges, type Json } from './changes.ts';

describe('changes between two documents', () => {
  test('name the innermost field, its old value and its new one', () => {
    const before = { name: 'Pro', rateCards: [{ feature: 'calls', price: { model: 'per_unit', unitAmount: '0.004' } }] };
    const after = { name: 'Pro', rateCards: [{ feature: 'calls', price: { model: 'per_unit', unitAmount: '0.005' } }] };
    expect(documentChanges(before, after)).toEqual([{ path: 'rateCards[0].price.unitAmount', before: '0.004', after: '0.005' }]);
  });

  test('tell a field that is new or gone from one that is null', () => {
    expect(documentChanges({ a: null, b: 1 }, { a: 'x', c: null })).toEqual([
      { path: 'a', before: null, after: 'x' },
      { path: 'c', after: null },
      { path: 'b', before: 1 },
    ]);
  });

  test('of a created or deleted object are its top fields, whole', () => {
    expect(documentChanges(null, { key: 'pro', price: { model: 'flat' } })).toEqual([
      { path: 'key', after: 'pro' },
      { path: 'price', after: { model: 'flat' } },
    ]);
    expect(documentChanges({ key: 'pro' }, null)).toEqual([{ path: 'key', before: 'pro' }]);
  });

  test('quote names that are not plain, and follow lists place by place', () => {
    expect(documentChanges({ filter: { '$.model': ['a'] } }, { filter: { '$.model': ['a', 'b'] } })).toEqual([
      { path: 'filter["$.model"][1]', after: 'b' },
    ]);
    expect(documentChanges({ subjects: ['a', 'b'] }, { subjects: ['b'] })).toEqual([
      { path: 'subjects[0]', before: 'a', after: 'b' },
      { path: 'subjects[1]', before: 'b' },
    ]);
  });

  test('a value that becomes an object or a list, even an empty one, is one change', () => {
    expect(documentChanges({ a: null }, { a: {} })).toEqual([{ path: 'a', before: null, after: {} }]);
    expect(documentChanges({ a: [] }, { a: {} })).toEqual([{ path: 'a', before: [], after: {} }]);
  });

  const { document } = fc.letrec<{ document: Json; value: Json }>((tie) => ({
    document: fc.dictionary(
      fc.string({ maxLength: 4 }).filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 4 },
    ),
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<Json>(null, true, false, '', 'x', '0.10', 0, 7),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('document'),
    ),
  }));

  test('are none exactly where the documents are equal, and each says what is on either side at its path', () => {
    fc.assert(
      fc.property(document, document, (before, after) => {
        const changes = documentChanges(before, after);
        expect(changes.length === 0).toBe(JSON.stringify(sorted(before)) === JSON.stringify(sorted(after)));
        for (const change of changes) {
          expect(valueAt(before, change.path)).toEqual(change.before);
          expect(valueAt(after, change.path)).toEqual(change.after);
        }
        expect(new Set(changes.map(({ path }) => path)).size).toBe(changes.length);
      }),
    );
  });
});

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}

/** Follows a path as it is written; undefined where there is nothing. */
function valueAt(document: Json, path: string): Json | undefined {
  let value: Json | undefined = document;
  for (const [, plain, place, quoted] of path.matchAll(/([A-Za-z_$][\w$]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)) {
    const name = plain ?? place ?? (JSON.parse(quoted ?? '') as string);
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as Record<string, Json>)[name]
        : undefined;
  }
  return value;
}
