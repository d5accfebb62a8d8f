import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Clock, Database } from '@meterline/pipeline/ports';
import { generateApiKey, hashSecret, parseApiKey } from '@meterline/runtime/keys';

const TENANT = 'default';

export interface AdminKey {
  readonly token: string;
  /** Owner-readable file that keeps it. */
  readonly file: string;
  /** Made at this start: the one time it is shown. */
  readonly fresh: boolean;
}

/** Sees that the tenant `default` exists and has an admin key: the preset one, else the one in the data folder, else a new one. */
export async function ensureAdminKey(
  ports: { database: Database; clock: Clock },
  dataFolder: string,
  preset: string | null,
): Promise<AdminKey> {
  const file = path.join(dataFolder, 'admin-key');
  const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
  const token = preset ?? kept ?? generateApiKey('live').token;
  await store(ports, token);
  if (token !== kept) {
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    chmodSync(file, 0o600);
  }
  return { token, file, fresh: preset === null && kept === null };
}

async function store({ database, clock }: { database: Database; clock: Clock }, token: string): Promise<void> {
  const key = parseApiKey(token);
  if (key === undefined) throw new Error('the admin key in the data folder is not an API key');
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
