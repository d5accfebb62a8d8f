import { describe, expect, test } from 'vitest';
import { featureDifferences, type FeatureUnion, type Union } from './index.ts';

const sources = [{ subscription: 'sub', plan: 'pro', version: 1 }];
const RESETS_AT_MS = 31 * 86_400_000;

function metered(limit: string | null, used: string, softLimit = false): Union {
  const window = { fromMs: 0, toMs: RESETS_AT_MS };
  return {
    type: 'metered',
    hasAccess: true,
    sources,
    ...window,
    limit,
    softLimit,
    levels: [],
    used,
    balance: null,
    overage: '0',
  };
}
const plain: Union = { type: 'boolean', hasAccess: true, sources };
const value = (text: string): Union => ({ type: 'static', hasAccess: true, sources, value: text });
const of = (key: string, union: Union): FeatureUnion => ({ feature: { key, name: `Feature ${key}` }, union });
const changed = (before: Union | null, after: Union | null) =>
  featureDifferences(before ? [of('a', before)] : [], after ? [of('a', after)] : []);

describe('features before and after a change', () => {
  test('what stays the same is not told, whatever is used of it', () => {
    expect(changed(plain, plain)).toEqual([]);
    expect(changed(metered('10', '3'), metered('10', '4'))).toEqual([]);
    expect(changed(value('1'), value('1'))).toEqual([]);
  });

  test('a lower limit is told with what is used of it, and whether that exceeds it', () => {
    expect(changed(metered('10', '8'), metered('5', '8'))).toEqual([
      {
        ...{ feature: 'a', name: 'Feature a', change: 'changed', used: '8', exceeds: true },
        before: { type: 'metered', limit: '10', softLimit: false, resetsAtMs: RESETS_AT_MS, value: null },
        after: { type: 'metered', limit: '5', softLimit: false, resetsAtMs: RESETS_AT_MS, value: null },
        message: 'Feature a: you use 8 of 5 (10 before)',
      },
    ]);
    expect(changed(metered('10', '5'), metered('5', '5'))).toMatchObject([{ exceeds: false }]);
    expect(changed(metered(null, '8'), metered('5', '8'))).toMatchObject([
      { message: 'Feature a: you use 8 of 5 (without limit before)', exceeds: true },
    ]);
    expect(changed(plain, metered('5', '8'))).toMatchObject([{ message: 'Feature a: you use 8 of 5 (without limit before)' }]);
  });

  test('a feature that is lost is told, with its use where it is counted', () => {
    expect(changed(plain, null)).toMatchObject([
      { change: 'removed', after: null, used: null, exceeds: false, message: 'Feature a: you will not have it any more' },
    ]);
    expect(changed(metered('10', '8'), null)).toMatchObject([
      { change: 'removed', used: '8', exceeds: true, message: 'Feature a: you use 8, and will have none' },
    ]);
    expect(changed(metered('10', '0'), null)).toMatchObject([
      { exceeds: false, message: 'Feature a: you will not have it any more' },
    ]);
  });

  test('what is gained is no loss: a new feature, a higher limit, none at all, another value', () => {
    const gains: [Union | null, Union][] = [
      [null, plain],
      [null, metered('5', '9')],
      [metered('5', '9'), metered('10', '9')],
      [metered('5', '9'), metered(null, '9')],
      [metered('5', '9'), plain],
      [value('1'), value('2')],
    ];
    for (const [before, after] of gains) expect(changed(before, after)).toMatchObject([{ message: null }]);
    expect(changed(null, plain)).toMatchObject([{ change: 'added', before: null }]);
    expect(changed(value('1'), value('2'))).toMatchObject([{ before: { value: '1' }, after: { value: '2' } }]);
  });

  test('a hard limit that becomes soft is a change, and a soft one that becomes hard a loss, whatever its number', () => {
    expect(changed(metered('5', '1'), metered('5', '1', true))).toMatchObject([{ change: 'changed', message: null }]);
    expect(changed(metered('5', '8', true), metered('5', '8'))).toMatchObject([
      { exceeds: true, message: 'Feature a: you use 8 of 5 (5 before), and nothing goes beyond any more' },
    ]);
    expect(changed(metered('5', '8', true), metered('10', '8'))).toMatchObject([
      { exceeds: false, message: 'Feature a: you use 8 of 10 (5 before), and nothing goes beyond any more' },
    ]);
  });

  test.each([
    ['a smaller number', '365', '30'],
    ['a smaller number of another notation', '1e2', '99.50'],
    ['a list without something', '["eu","us"]', '["us","asia"]'],
    ['no longer true', 'true', 'false'],
    ['another text, of which nobody can tell', '"gold"', '"silver"'],
    ['other fields', '{"seats":5}', '{"seats":6}'],
    ['another kind of value', '30', '"unlimited"'],
  ])('a static value that is %s is told as a loss: %s to %s', (_, before, after) => {
    expect(changed(value(before), value(after))).toMatchObject([
      { change: 'changed', used: null, exceeds: false, message: `Feature a: you will have ${after} (${before} before)` },
    ]);
  });

  test.each([
    ['a larger number', '9.5', '10'],
    ['the same number', '1e2', '100.0'],
    ['a longer list', '["eu"]', '["us","eu"]'],
    ['true', 'false', 'true'],
  ])('a static value that becomes %s is no loss: %s to %s', (_, before, after) => {
    expect(changed(value(before), value(after))).toMatchObject([{ change: 'changed', message: null }]);
  });

  test('a static value in place of which there is only access, or a limit, is lost; access without a limit is no loss of one', () => {
    expect(changed(value('30'), plain)).toMatchObject([{ message: 'Feature a: you will have it without a value (30 before)' }]);
    expect(changed(value('30'), metered('5', '8'))).toMatchObject([
      { message: 'Feature a: you use 8 of 5 (without limit before)' },
    ]);
    expect(changed(metered('5', '8'), value('30'))).toMatchObject([{ message: null }]);
  });
});
