import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const folders = ['money', 'plan-fit', 'prepaid', 'prices', 'rating'].map((name) => new URL(`../${name}/`, import.meta.url));
const FLOATS =
  /\bNumber\(|parseFloat|\.toFixed\(|\.toPrecision\(|\bMath\.(round|floor|ceil|trunc|pow)|[=(,]\s*\+\w|\d\.\d+\s*[*/+-]/;

it('no amount, price or quantity ever becomes a floating point number', () => {
  const sources = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .map((path) => ({ path, text: readFileSync(new URL(path, folder), 'utf8') })),
  );
  expect(sources.length).toBeGreaterThan(20);
  const code = sources.map(({ path, text }) => ({
    path,
    lines: text.split('\n').filter((line) => !/^\s*(\/\/|\*|\/\*)/.test(line)),
  }));
  expect(
    code.flatMap(({ path, lines }) => lines.filter((line) => FLOATS.test(line)).map((line) => `${path}: ${line.trim()}`)),
  ).toEqual([]);
});
