import type { ApiKeyRecord, ApiKeyStore, ApiScope, SqlExecutor } from '@meterline/pipeline/ports';
import { epochMs, epochMsOrNull, pageOf } from './rows.ts';

interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly scopes: ApiScope[];
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  readonly created_at: string;
}

const COLUMNS = 'id, name, scopes, expires_at, revoked_at, created_at';

const record = (row: ApiKeyRow): ApiKeyRecord => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes,
  expiresAtMs: epochMsOrNull(row.expires_at),
  revokedAtMs: epochMsOrNull(row.revoked_at),
  createdAtMs: epochMs(row.created_at),
});

export function apiKeyStore(db: SqlExecutor): ApiKeyStore {
  async function byId(id: string, tenant: string): Promise<ApiKeyRecord | undefined> {
    const rows = await db.query<ApiKeyRow>(`select ${COLUMNS} from api_key where id = $1 and tenant = $2`, [id, tenant]);
    return rows.map(record)[0];
  }

  return {
    byId,

    async insert(draft, secretHash, nowMs, tenant) {
      const expiresAt = draft.expiresAtMs === null ? null : new Date(draft.expiresAtMs);
      await db.query(
        'insert into api_key (id, name, scopes, expires_at, secret_hash, created_at, tenant) values ($1, $2, $3::text[], $4, $5, $6, $7)',
        [draft.id, draft.name, draft.scopes, expiresAt, secretHash, new Date(nowMs), tenant],
      );
      return { ...draft, revokedAtMs: null, createdAtMs: nowMs };
    },

    async revoke(id, nowMs, tenant) {
      await db.query('update api_key set revoked_at = $1 where revoked_at is null and id = $2 and tenant = $3', [
        new Date(nowMs),
        id,
        tenant,
      ]);
      return byId(id, tenant);
    },

    async page(request, tenant) {
      const rows = await db.query<ApiKeyRow>(
        `select ${COLUMNS} from api_key where id > $1 and tenant = $3 order by id limit $2`,
        [request.after ?? '', request.limit + 1, tenant],
      );
      return pageOf(rows, request, record, (row) => row.id);
    },
  };
}
