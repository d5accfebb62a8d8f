import { afterAll } from 'vitest';
import { freshDatabase, onEngines } from '../engines/index.ts';
import { openTestDatabase } from '../support/database.ts';
import { subscriptionChangeContract } from './subscription-changes.contract.ts';

subscriptionChangeContract('PGlite', () => openTestDatabase());

await onEngines('changes of subscriptions on PostgreSQL', ['postgres'], async ({ postgres }) => {
  const fresh = await freshDatabase(postgres);
  afterAll(() => fresh.drop());
  subscriptionChangeContract('PostgreSQL', () => fresh.open({ poolMax: 40 }), { isParallel: true });
});
