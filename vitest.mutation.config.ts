import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Cases by hand before those by chance: most faulty versions are found by the first test that meets them. */
class QuickestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => (moduleId.includes('propert') ? 1 : 0);
    return files.toSorted((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

// The tests that cover rating, for `npm run mutation`. Node's own resolution would lead from a mutated copy of the project back to the
// original: what tests import by name comes from the copy.
export default defineConfig({
  resolve: {
    alias: [{ find: /^@meterline\/domain\/(.+)$/, replacement: `${import.meta.dirname}/packages/domain/src/$1/index.ts` }],
  },
  test: {
    include: ['packages/domain/src/{rating,invoices}/**/*.test.ts', 'test/properties/**/*.test.ts'],
    // Thousands of periods in parts, slow and by chance: the properties hold fewer of them against the oracle.
    exclude: [...configDefaults.exclude, '**/progressive.test.ts'],
    env: { PROPERTY_CASES: '60' },
    testTimeout: 60_000,
    // Each faulty version gets a worker of its own anyway: its test files need not one each.
    isolate: false,
    sequence: { sequencer: QuickestFirst },
  },
});
