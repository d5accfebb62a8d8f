import { newId } from '@meterline/pipeline/ids';
import type { Database, DeliveryState, WebhookAttempt, WebhookDelivery, WebhookDeliveryStore } from '@meterline/pipeline/ports';
import type { WebhookEventType } from '@meterline/pipeline/webhooks';
import { epochMs, epochMsOrNull, pageOf } from '../catalog/rows.ts';

interface DeliveryRow {
  readonly id: string;
  readonly message: string;
  readonly endpoint: string;
  readonly type: WebhookEventType;
  readonly state: DeliveryState;
  readonly created_at: string;
  readonly completed_at: string | null;
  readonly next_attempt_at: string | null;
  readonly attempts: WebhookAttempt[];
}

// One statement, so that a delivery and its attempts are of the same moment.
const SELECT = `select d.id, d.message, d.endpoint, m.type, d.state, d.created_at, d.completed_at, d.next_attempt_at, coalesce((
    select jsonb_agg(jsonb_build_object('attempt', a.attempt, 'atMs', (extract(epoch from a.at) * 1000)::bigint, 'status', a.status,
      'error', a.error, 'durationMs', a.duration_ms) order by a.attempt)
    from webhook_attempt a where a.delivery = d.id), '[]') as attempts
  from webhook_delivery d join webhook_message m on m.id = d.message`;

const delivery = (row: DeliveryRow): WebhookDelivery => ({
  id: row.id,
  messageId: row.message,
  endpoint: row.endpoint,
  type: row.type,
  state: row.state,
  createdAtMs: epochMs(row.created_at),
  completedAtMs: epochMsOrNull(row.completed_at),
  nextAttemptAtMs: epochMsOrNull(row.next_attempt_at),
  attempts: row.attempts,
});

export function webhookDeliveryStore(db: Database): WebhookDeliveryStore {
  async function byId(id: string, tenant: string): Promise<WebhookDelivery | undefined> {
    const rows = await db.query<DeliveryRow>(`${SELECT} where d.id = $1 and d.tenant = $2`, [id, tenant]);
    return rows.map(delivery)[0];
  }

  return {
    byId,

    async page(query, tenant) {
      const rows = await db.query<DeliveryRow>(
        `${SELECT} where ($1::text is null or d.id < $1) and ($2::text is null or d.endpoint = $2) and ($3::text is null or d.state = $3)
           and ($4::text is null or m.type = $4) and d.tenant = $6
         order by d.id desc limit $5`,
        [query.after, query.endpoint ?? null, query.state ?? null, query.type ?? null, query.limit + 1, tenant],
      );
      return pageOf(rows, query, delivery, (row) => row.id);
    },

    async replay(id, nowMs, tenant) {
      const [replayed] = await db.query<{ id: string }>(
        `insert into webhook_delivery (id, tenant, message, endpoint, state, next_attempt_at, created_at)
         select $1, d.tenant, d.message, d.endpoint, 'pending', $2::timestamptz - clock_shift($4), $2
         from webhook_delivery d join webhook_endpoint e on e.id = d.endpoint
         where d.id = $3 and e.disabled_at is null and e.removed_at is null and d.tenant = $4 for key share of e
         returning id`,
        [newId('dlv', nowMs), new Date(nowMs), id, tenant],
      );
      return replayed && byId(replayed.id, tenant);
    },
  };
}
