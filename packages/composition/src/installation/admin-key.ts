import type { Clock, Database } from '@meterline/pipeline/ports';
import { hashSecret, parseApiKey } from '@meterline/runtime/keys';

const TENANT = 'default';

/** Sees that the first tenant exists and that `token` is an admin key of it. */
export async function storeAdminKey({ database, clock }: { database: Database; clock: Clock }, token: string): Promise<void> {
  const key = parseApiKey(token);
  if (key === undefined) throw new Error('the admin key is not an API key');
  const now = new Date(clock.nowMs());
  await database.transaction(async (tx) => {
    await tx.query(`insert into tenant (id, name, created_at) values ($1, $1, $2) on conflict do nothing`, [TENANT, now]);
    await tx.query(
      `insert into api_key (id, tenant, name, secret_hash, scopes, created_at) values ($1, $2, 'admin', $3, '{admin}', $4)
       on conflict (id) do update set secret_hash = excluded.secret_hash`,
      [key.id, TENANT, hashSecret(key.secret), now],
    );
  });
}

/** Whether anybody can come in already. */
export async function hasApiKey(database: Database): Promise<boolean> {
  return (await database.query('select 1 from api_key limit 1')).length > 0;
}
