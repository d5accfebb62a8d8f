import { afterAll } from 'vitest';
import { freshDatabase, onEngines } from '../engines/index.ts';
import { openTestDatabase } from '../support/database.ts';
import { planVersionContract } from './plan-versions.contract.ts';

planVersionContract('PGlite', () => openTestDatabase());

await onEngines('plan versions on PostgreSQL', ['postgres'], async ({ postgres }) => {
  const fresh = await freshDatabase(postgres);
  afterAll(() => fresh.drop());
  planVersionContract('PostgreSQL', () => fresh.open({ poolMax: 16 }));
});
