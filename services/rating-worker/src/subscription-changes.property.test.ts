import type { Database } from '@meterline/pipeline/ports';
import fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import { daysLaw } from '../../../test/properties/changes/days-law.ts';
import { previewLaw } from '../../../test/properties/changes/preview-law.ts';
import { openTestDatabase } from '../../../test/support/database.ts';

// Few here; 10,000 in `npm run properties:changes`.
let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test('any plans and changes: each day is billed once by its plan, and comes to the same in one go as month by month', async () => {
  await fc.assert(daysLaw(database).property, { numRuns: 30 });
});

test('any plans, history and change: what a preview shows is what executing it charges, document by document', async () => {
  await fc.assert(previewLaw(database).property, { numRuns: 70 });
});
