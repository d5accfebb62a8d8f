import { afterAll } from 'vitest';
import { freshDatabase, onEngines } from '../engines/index.ts';
import { openTestDatabase } from '../support/database.ts';
import { priceChangeContract } from './price-changes.contract.ts';

priceChangeContract('PGlite', () => openTestDatabase());

await onEngines('price changes on PostgreSQL', ['postgres'], async ({ postgres }) => {
  const fresh = await freshDatabase(postgres);
  afterAll(() => fresh.drop());
  priceChangeContract('PostgreSQL', () => fresh.open({ poolMax: 16 }));
});
