import { expect, it } from 'vitest';
import { createGroupCommit } from './group-commit.ts';

it('writes what came meanwhile together, in order, and never two writes at once', async () => {
  const groups: (readonly number[])[] = [];
  const first = Promise.withResolvers<void>();
  const commit = createGroupCommit<number>(async (entries) => {
    groups.push(entries);
    if (groups.length === 1) await first.promise;
  });
  const added = [1, 2, 3, 4].map((entry) => commit.add(entry));
  expect(groups).toEqual([[1]]);
  first.resolve();
  await Promise.all(added);
  expect(groups).toEqual([[1], [2, 3, 4]]);
});

it('fails everything from a failed write on, also what was already waiting, and writes nothing more', async () => {
  const groups: (readonly number[])[] = [];
  const failing = Promise.withResolvers<void>();
  const commit = createGroupCommit<number>((entries) => {
    groups.push(entries);
    return failing.promise;
  });
  const added = [1, 2].map((entry) => commit.add(entry));
  failing.reject(new Error('no space left on device'));
  for (const outcome of await Promise.allSettled(added)) expect(outcome).toMatchObject({ reason: { code: 'event_log.failed' } });
  expect(() => commit.add(3)).toThrow('could not be written');
  await commit.close();
  expect(groups).toEqual([[1]]);
});
