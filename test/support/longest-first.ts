import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Minutes each, in small files: Vitest, which on a fresh clone begins with the largest files, would leave them for the end, beside an idle worker. */
const LONGEST = ['test/chaos/chaos.test.ts', 'test/chaos/cluster.test.ts', 'test/chaos/outage.test.ts'];

/** The longest test files first, the others as Vitest would have them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification) => {
      const rank = LONGEST.findIndex((file) => moduleId.endsWith(file));
      return rank === -1 ? LONGEST.length : rank;
    };
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}
