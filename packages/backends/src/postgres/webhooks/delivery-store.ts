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
}

interface AttemptRow {
  readonly delivery: string;
  readonly attempt: number;
  readonly at: string;
  readonly status: number | null;
  readonly error: string | null;
  readonly duration_ms: number;
}

const SELECT = `select d.id, d.message, d.endpoint, m.type, d.state, d.created_at, d.completed_at, d.next_attempt_at
  from webhook_delivery d join webhook_message m on m.id = d.message`;

const attempt = (row: AttemptRow): WebhookAttempt => ({
  attempt: row.attempt,
  atMs: epochMs(row.at),
  status: row.status,
  error: row.error,
  durationMs: row.duration_ms,
});

export function webhookDeliveryStore(db: Database): WebhookDeliveryStore {
  async function withAttempts(rows: readonly DeliveryRow[]): Promise<WebhookDelivery[]> {
    const attemptRows = await db.query<AttemptRow>(
      'select delivery, attempt, at, status, error, duration_ms from webhook_attempt where delivery = any($1::text[]) order by attempt',
      [rows.map((row) => row.id)],
    );
    const byDelivery = Map.groupBy(attemptRows, (row) => row.delivery);
    return rows.map((row) => ({
      id: row.id,
      messageId: row.message,
      endpoint: row.endpoint,
      type: row.type,
      state: row.state,
      createdAtMs: epochMs(row.created_at),
      completedAtMs: epochMsOrNull(row.completed_at),
      nextAttemptAtMs: epochMsOrNull(row.next_attempt_at),
      attempts: (byDelivery.get(row.id) ?? []).map(attempt),
    }));
  }

  async function byId(id: string, tenant: string): Promise<WebhookDelivery | undefined> {
    const rows = await db.query<DeliveryRow>(`${SELECT} where d.id = $1 and d.tenant = $2`, [id, tenant]);
    return (await withAttempts(rows))[0];
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
      const { nextAfter } = pageOf(
        rows,
        query,
        (row) => row.id,
        (row) => row.id,
      );
      return { items: await withAttempts(rows.slice(0, query.limit)), nextAfter };
    },

    async replay(id, nowMs, tenant) {
      const [replayed] = await db.query<{ id: string }>(
        `insert into webhook_delivery (id, tenant, message, endpoint, state, next_attempt_at, created_at)
         select $1, d.tenant, d.message, d.endpoint, 'pending', $2, $2
         from webhook_delivery d join webhook_endpoint e on e.id = d.endpoint
         where d.id = $3 and e.disabled_at is null and e.removed_at is null and d.tenant = $4
         returning id`,
        [newId('dlv', nowMs), new Date(nowMs), id, tenant],
      );
      return replayed && byId(replayed.id, tenant);
    },
  };
}
