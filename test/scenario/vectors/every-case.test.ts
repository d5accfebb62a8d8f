import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT_FOLDER } from '../../../packages/cli/src/demo/server.ts';
import { CASES, followed, followedBy, notFollowed } from '../../support/lifecycle-vectors.ts';

const kinds = [...new Set(CASES.map(({ kind }) => kind))];

it('every published case is followed, or the guide says why not, and never both', () => {
  const isFollowed = new Set(followed(...followedBy.keys()).map(({ id }) => id));
  expect(CASES.filter(({ id }) => isFollowed.has(id) === notFollowed.has(id))).toEqual([]);
  expect([isFollowed.size + notFollowed.size, new Set(CASES.map(({ id }) => id)).size]).toEqual([CASES.length, CASES.length]);
  expect([...notFollowed].filter(([, reason]) => reason === '')).toEqual([]);
});

it('every test that the guide names follows the kinds that the guide says, and no other kind exists', () => {
  const found = kinds.map((kind) => [kind, (followedBy.get(kind) ?? []).filter((test) => follows(test, kind))]);
  const expected = kinds.map((kind) => [kind, followedBy.get(kind) ?? []]);
  expect(found).toEqual(expected);
  expect([...followedBy.keys()].filter((kind) => !kinds.includes(kind))).toEqual([]);
});

/** Whether the test asks for all cases of the kind that are followed. */
function follows(test: string, kind: string): boolean {
  const source = readFileSync(path.join(PROJECT_FOLDER, test), 'utf8');
  return [...source.matchAll(/\bfollowed(?:<[^(]*>)?\(([^)]*)\)/g)].some(([, given = '']) => given.includes(`'${kind}'`));
}
