import type { AuditDocument, AuditRecord, AuditTrail, SqlExecutor } from '@meterline/pipeline/ports';
import { epochMs, pageOf } from '../catalog/rows.ts';

interface AuditRow {
  readonly id: string;
  readonly at: string;
  readonly actor_key: string | null;
  readonly actor_name: string | null;
  readonly request_id: string | null;
  readonly action: AuditRecord['action'];
  readonly object_type: string;
  readonly object_key: string;
  readonly before: AuditDocument | null;
  readonly after: AuditDocument | null;
}

const record = (row: AuditRow): AuditRecord => ({
  id: row.id,
  atMs: epochMs(row.at),
  actor: row.actor_key === null ? null : { keyId: row.actor_key, name: row.actor_name },
  requestId: row.request_id,
  action: row.action,
  type: row.object_type,
  object: row.object_key,
  before: row.before,
  after: row.after,
});

/** The audit trail that the triggers of migration 0014 write. */
export function auditTrail(db: SqlExecutor): AuditTrail {
  return {
    async page(query, tenant) {
      const { type = null, object = null, actor = null, fromMs, toMs } = query;
      const rows = await db.query<AuditRow>(
        `select * from audit_record
         where ($1::bigint is null or id < $1) and ($3::text is null or object_type = $3) and ($4::text is null or object_key = $4)
           and ($5::text is null or coalesce(actor_key, 'system') = $5)
           and ($6::timestamptz is null or at >= $6) and ($7::timestamptz is null or at < $7) and tenant = $8
         order by id desc limit $2`,
        [query.after, query.limit + 1, type, object, actor, instant(fromMs), instant(toMs), tenant],
      );
      return pageOf(rows, query, record, (row) => row.id);
    },
  };
}

function instant(ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(ms);
}
