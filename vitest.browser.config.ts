import { defineConfig } from 'vitest/config';

// Apart from the other tests: these need a Chromium (see test/browser/chromium.ts).
export default defineConfig({
  test: {
    include: ['test/browser/**/*.browser.test.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
