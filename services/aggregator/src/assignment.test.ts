import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignPartitions } from './assignment.ts';

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 });
const scene = names.chain((members) =>
  fc.record({
    members: fc.constant(members),
    owners: fc.array(fc.constantFrom('', 'dead', ...members), { minLength: 1, maxLength: 100 }),
  }),
);

function shares(leaders: readonly string[], members: readonly string[]): number[] {
  return members.map((member) => leaders.filter((leader) => leader === member).length);
}

const moved = (before: readonly string[], after: readonly string[]): number[] =>
  before.flatMap((owner, partition) => (owner === after[partition] ? [] : [partition]));

describe('partitions shared among members', () => {
  it('each have one living leader, and no member leads two more than another', () => {
    fc.assert(
      fc.property(scene, ({ members, owners }) => {
        const leaders = assignPartitions(owners, members);
        expect(leaders).toHaveLength(owners.length);
        const sizes = shares(leaders, members);
        expect(sizes.reduce((sum, size) => sum + size)).toBe(owners.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('are worked out alike by everybody, in whatever order the members are named', () => {
    fc.assert(
      fc.property(scene, ({ members, owners }) => {
        expect(assignPartitions(owners, members.toReversed())).toEqual(assignPartitions(owners, members));
      }),
    );
  });

  it('stay where they are once they are shared', () => {
    fc.assert(
      fc.property(scene, ({ members, owners }) => {
        const leaders = assignPartitions(owners, members);
        expect(assignPartitions(leaders, members)).toEqual(leaders);
      }),
    );
  });

  it('move only to a member that comes, and no more than its share', () => {
    fc.assert(
      fc.property(scene, ({ members, owners }) => {
        const before = assignPartitions(owners, members);
        const after = assignPartitions(before, [...members, '(new)']);
        const changes = moved(before, after);
        expect(changes.every((partition) => after[partition] === '(new)')).toBe(true);
        expect(changes.length).toBeLessThanOrEqual(Math.ceil(owners.length / (members.length + 1)));
      }),
    );
  });

  it('move only from a member that goes', () => {
    fc.assert(
      fc.property(scene, fc.nat(), ({ members, owners }, pick) => {
        fc.pre(members.length > 1);
        const gone = members[pick % members.length];
        const before = assignPartitions(owners, members);
        const after = assignPartitions(
          before,
          members.filter((member) => member !== gone),
        );
        expect(moved(before, after).every((partition) => before[partition] === gone)).toBe(true);
      }),
    );
  });
});
