import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { storeAdminKey } from '@meterline/composition/installation';
import type { Clock, Database } from '@meterline/pipeline/ports';
import { generateApiKey } from '@meterline/runtime/keys';

export interface AdminKey {
  readonly token: string;
  /** Owner-readable file that keeps it. */
  readonly file: string;
  /** Made at this start: the one time it is shown. */
  readonly fresh: boolean;
}

/** Sees that the first tenant exists and has an admin key: the preset one, else the one in the data folder, else a new one. */
export async function ensureAdminKey(
  ports: { database: Database; clock: Clock },
  dataFolder: string,
  preset: string | null,
): Promise<AdminKey> {
  const file = path.join(dataFolder, 'admin-key');
  const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
  const token = preset ?? kept ?? generateApiKey('live').token;
  await storeAdminKey(ports, token);
  if (token !== kept) {
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    chmodSync(file, 0o600);
  }
  return { token, file, fresh: preset === null && kept === null };
}
