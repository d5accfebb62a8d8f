import { afterAll } from 'vitest';
import { freshDatabase, onEngines } from '../engines/index.ts';
import { openTestDatabase } from '../support/database.ts';
import { sandboxClockContract } from './sandbox-clock.contract.ts';

sandboxClockContract('PGlite', async () => {
  const database = await openTestDatabase();
  return [database, { ...database, close: () => Promise.resolve() }];
});

await onEngines('clocks of sandboxes on PostgreSQL', ['postgres'], async ({ postgres }) => {
  const fresh = await freshDatabase(postgres);
  afterAll(() => fresh.drop());
  sandboxClockContract('PostgreSQL', async () => [await fresh.open(), await fresh.open()]);
});
