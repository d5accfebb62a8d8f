import fc from 'fast-check';
import { describe, it } from 'vitest';
import { LAWS } from './laws/index.ts';

// Few in mutation testing, where a thousand faulty versions have to meet them; 100,000 in `npm run properties`.
const numRuns = Number(process.env['PROPERTY_CASES'] ?? 300);

describe('of every price and all usage', () => {
  for (const { title, property } of LAWS) {
    it(title, async () => {
      await fc.assert(property, { numRuns });
    });
  }
});
