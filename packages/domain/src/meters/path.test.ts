import { describe, expect, it } from 'vitest';
import { compilePath } from './path.ts';

const data = { a: { b: [{ 'c d': 1 }, 'x'] }, "it's": 2, naïve: 3, nothing: null };

describe('compilePath', () => {
  it('reads the one value a singular path names', () => {
    expect(compilePath('$.a.b[1]')(data)).toBe('x');
    expect(compilePath("$.a.b[0]['c d']")(data)).toBe(1);
    expect(compilePath('$["a"].b[0]["c d"]')(data)).toBe(1);
    expect(compilePath(String.raw`$['it\'s']`)(data)).toBe(2);
    expect(compilePath('$.naïve')(data)).toBe(3);
    expect(compilePath('$.nothing')(data)).toBeNull();
  });

  it('reads undefined where there is nothing, whatever stands on the way', () => {
    for (const path of ['$.x', '$.a.x.y', '$.a.b[7]', '$.a.b.length', '$.nothing.x', '$.a[0]', '$.toString', '$.__proto__']) {
      expect(compilePath(path)(data), path).toBeUndefined();
    }
    expect(compilePath('$.a')(undefined)).toBeUndefined();
    expect(compilePath('$.a')('text')).toBeUndefined();
  });

  it('refuses everything that is not a singular path, naming it', () => {
    for (const path of [
      '',
      '$',
      'a',
      '.a',
      '$a',
      '$.',
      '$..a',
      '$.*',
      '$[*]',
      '$[-1]',
      '$[?(@.a)]',
      '$[01]',
      "$['a",
      '$.a b',
      '$.a-b',
      `$.${'a'.repeat(300)}`,
    ]) {
      expect(() => compilePath(path), path).toThrow(expect.objectContaining({ code: 'meter.path_invalid' }));
    }
  });
});
