import { describe, expect, test } from 'vitest';
import { auditTrail, catalogStores } from '@meterline/backends/postgres';
import { actingAs } from '@meterline/pipeline/audit';
import { freshDatabase, onEngines } from '../engines/index.ts';
import { openTestDatabase } from '../support/database.ts';
import { auditContract } from './audit.contract.ts';

auditContract('PGlite', openTestDatabase);

await onEngines('the audit trail on PostgreSQL', ['postgres'], async ({ postgres }) => {
  auditContract('PostgreSQL', async () => {
    const fresh = await freshDatabase(postgres);
    return { ...(await fresh.open()), close: () => fresh.drop() };
  });

  describe('the audit trail on parallel connections', () => {
    test('32 changes of one customer at once: each record names its own author, and follows on the one before', async () => {
      const fresh = await freshDatabase(postgres);
      const database = await fresh.open({ poolMax: 16 });
      await database.query(`insert into tenant (id, name, created_at) values ('t', 't', now())`);
      const { customers } = catalogStores(database);
      await customers.insert({ key: 'acme', name: '', currency: 'USD', timezone: 'UTC', subjects: [] }, 0, 't');
      await Promise.all(
        Array.from({ length: 32 }, (_, index) =>
          actingAs({ keyId: `k${index}`, requestId: `r${index}`, clock: { nowMs: () => index } }, () =>
            customers.update('acme', { name: `k${index}`, subjects: [`s${index}`] }, 't'),
          ),
        ),
      );
      const { items } = await auditTrail(database).page({ after: null, limit: 100 }, 't');
      const chain = items.toReversed();
      expect(chain).toHaveLength(33);
      for (const [place, { before, after, actor, requestId, atMs }] of chain.entries()) {
        expect(before).toEqual(chain[place - 1]?.after ?? null);
        if (place === 0) continue;
        expect(after).toMatchObject({ name: actor?.keyId });
        expect([requestId, atMs]).toEqual([`r${actor?.keyId.slice(1)}`, Number(actor?.keyId.slice(1))]);
      }
      // No connection of the pool remembers whom it last worked for.
      await customers.update('acme', { name: 'by nobody' }, 't');
      expect((await auditTrail(database).page({ after: null, limit: 1 }, 't')).items[0]?.actor).toBeNull();
      await fresh.drop();
    });
  });
});
