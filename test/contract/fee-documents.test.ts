import { afterAll } from 'vitest';
import { freshDatabase, onEngines } from '../engines/index.ts';
import { openTestDatabase } from '../support/database.ts';
import { feeDocumentsContract } from './fee-documents.contract.ts';

feeDocumentsContract('PGlite', () => openTestDatabase());

await onEngines('documents in advance on PostgreSQL', ['postgres'], async ({ postgres }) => {
  const fresh = await freshDatabase(postgres);
  afterAll(() => fresh.drop());
  feeDocumentsContract('PostgreSQL', () => fresh.open({ poolMax: 16 }));
});
