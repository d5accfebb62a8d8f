import { newId } from '@meterline/pipeline/ids';
import type { Database, SqlExecutor, WebhookEndpoint, WebhookEndpointStore } from '@meterline/pipeline/ports';
import type { WebhookEventType } from '@meterline/pipeline/webhooks';
import { epochMs, epochMsOrNull, pageOf } from '../catalog/rows.ts';
import { webhookDeliveryStore } from './delivery-store.ts';
import { enqueueTo } from './outbox.ts';

interface EndpointRow {
  readonly id: string;
  readonly url: string;
  readonly events: WebhookEventType[];
  readonly created_at: string;
  readonly disabled_at: string | null;
  readonly disabled_reason: string | null;
}

const COLUMNS = 'id, url, events, created_at, disabled_at, disabled_reason';

const endpoint = (row: EndpointRow): WebhookEndpoint => ({
  id: row.id,
  url: row.url,
  events: row.events,
  createdAtMs: epochMs(row.created_at),
  disabledAtMs: epochMsOrNull(row.disabled_at),
  disabledReason: row.disabled_reason,
});

export function webhookEndpointStore(db: Database): WebhookEndpointStore {
  const deliveries = webhookDeliveryStore(db);

  /** The endpoint that a statement returning COLUMNS hit. */
  async function one(
    executor: SqlExecutor,
    sql: string,
    params: Parameters<SqlExecutor['query']>[1],
  ): Promise<WebhookEndpoint | undefined> {
    const [row] = await executor.query<EndpointRow>(sql, params);
    return row && endpoint(row);
  }

  return {
    async insert({ url, events, secret }, nowMs, tenant) {
      const id = newId('whe', nowMs);
      const createdAt = new Date(nowMs);
      await db.query(
        'insert into webhook_endpoint (id, url, events, secret, created_at, tenant) values ($1, $2, $3, $4, $5, $6)',
        [id, url, events, secret, createdAt, tenant],
      );
      return { id, url, events, createdAtMs: nowMs, disabledAtMs: null, disabledReason: null };
    },

    byId: (id, tenant) =>
      one(db, `select ${COLUMNS} from webhook_endpoint where id = $1 and removed_at is null and tenant = $2`, [id, tenant]),

    async page(request, tenant) {
      const rows = await db.query<EndpointRow>(
        `select ${COLUMNS} from webhook_endpoint where id > $1 and removed_at is null and tenant = $3 order by id limit $2`,
        [request.after ?? '', request.limit + 1, tenant],
      );
      return pageOf(rows, request, endpoint, (row) => row.id);
    },

    rotateSecret: (id, secret, oldUntilMs, tenant) =>
      one(
        db,
        `update webhook_endpoint set previous_secret = secret, previous_secret_until = $3, secret = $2
         where id = $1 and removed_at is null and tenant = $4 returning ${COLUMNS}`,
        [id, secret, new Date(oldUntilMs), tenant],
      ),

    enable: (id, nowMs, tenant) =>
      db.transaction(async (tx) => {
        const enabled = await one(
          tx,
          `update webhook_endpoint set disabled_at = null, disabled_reason = null
           where id = $1 and removed_at is null and tenant = $2 returning ${COLUMNS}`,
          [id, tenant],
        );
        if (enabled === undefined) return undefined;
        await tx.query(
          `update webhook_delivery set next_attempt_at = $2
           where endpoint = $1 and state = 'pending' and next_attempt_at is null and tenant = $3`,
          [id, new Date(nowMs), tenant],
        );
        return enabled;
      }),

    remove: (id, nowMs, tenant) =>
      db.transaction(async (tx) => {
        const now = new Date(nowMs);
        // Waits for messages that are being told to it, and they wait for us.
        await tx.query('select id from webhook_endpoint where id = $1 and tenant = $2 for update', [id, tenant]);
        const removed = await tx.query(
          `update webhook_endpoint set removed_at = $2, secret = '', previous_secret = null
           where id = $1 and removed_at is null and tenant = $3 returning id`,
          [id, now, tenant],
        );
        if (removed.length === 0) return false;
        await tx.query(
          `update webhook_delivery set state = 'failed', next_attempt_at = null, completed_at = $2
           where endpoint = $1 and state = 'pending' and tenant = $3`,
          [id, now, tenant],
        );
        return true;
      }),

    async ping(id, nowMs, tenant) {
      const data = { endpoint: id };
      const sent = await db.transaction((tx) => enqueueTo(tx, id, { tenant, type: 'ping', data, createdAtMs: nowMs }));
      const [delivery] = sent.deliveries;
      return delivery === undefined ? undefined : deliveries.byId(delivery, tenant);
    },
  };
}
