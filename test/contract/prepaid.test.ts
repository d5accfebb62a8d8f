import { describe } from 'vitest';
import { freshDatabase, onEngines } from '../engines/index.ts';
import { openTestDatabase } from '../support/database.ts';
import { prepaidContract } from './prepaid.contract.ts';

describe('grants and their ledger on PGlite', () => {
  prepaidContract(async () => {
    const database = await openTestDatabase();
    return { database, close: () => database.close() };
  });
});

await onEngines('grants and their ledger on PostgreSQL', ['postgres'], ({ postgres }) => {
  describe('grants and their ledger on parallel connections of PostgreSQL', () => {
    prepaidContract(async () => {
      const fresh = await freshDatabase(postgres);
      return { database: await fresh.open({ poolMax: 16 }), close: () => fresh.drop() };
    });
  });
});
