import { newId } from '@meterline/pipeline/ids';
import type { SqlExecutor } from '@meterline/pipeline/ports';
import { newWebhookMessageId, webhookPayload, type WebhookEventType } from '@meterline/pipeline/webhooks';

export interface NewMessage {
  readonly tenant: string;
  readonly type: WebhookEventType;
  /** The `data` of the payload; small, see `webhookPayload`. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly createdAtMs: number;
  /** From `webhookMessageId` when the same thing may be told twice: a message that exists already stays the only one. */
  readonly id?: string | undefined;
}

/** `deliveries`: the ids of those that were made, none if the message existed already or nobody subscribed. */
interface EnqueuedMessage {
  readonly id: string;
  readonly deliveries: readonly string[];
}

/**
 * Writes a message, and a delivery due now for every enabled endpoint that subscribed to its type, in the caller's transaction: both
 * exist exactly if what they tell about does. Wake the deliverer (`notify`) after the commit. Fails with `webhook.payload_too_large`.
 */
export async function enqueueMessage(tx: SqlExecutor, message: NewMessage): Promise<EnqueuedMessage> {
  return insertMessage(tx, message, null);
}

/** Like `enqueueMessage`, but to one endpoint alone, whatever it subscribed to. */
export async function enqueueTo(tx: SqlExecutor, endpoint: string, message: NewMessage): Promise<EnqueuedMessage> {
  return insertMessage(tx, message, endpoint);
}

async function insertMessage(
  tx: SqlExecutor,
  { tenant, type, data, createdAtMs, id = newWebhookMessageId() }: NewMessage,
  endpoint: string | null,
): Promise<EnqueuedMessage> {
  // One statement, so that telling about something costs its transaction a single round trip.
  const rows = await tx.query<{ id: string }>(
    `with message as (
       insert into webhook_message (id, tenant, type, payload, created_at) values ($1, $2, $3, $4, $5)
       on conflict (id) do nothing returning id, tenant, created_at
     ), receiver as (
       -- locked against removal, which fails what is pending: it comes before us or sees what we insert
       select id from webhook_endpoint
       where tenant = $2 and disabled_at is null and removed_at is null
         and case when $7::text is null then $3 = any(events) else id = $7 end
       order by id for key share
     )
     insert into webhook_delivery (id, tenant, message, endpoint, state, next_attempt_at, created_at)
     select $6 || lpad((row_number() over (order by e.id))::text, 4, '0'), m.tenant, m.id, e.id, 'pending',
       -- sent by the server's time
       m.created_at - clock_shift($2), m.created_at
     from message m cross join receiver e
     returning id`,
    [id, tenant, type, webhookPayload(type, createdAtMs, data), new Date(createdAtMs), newId('dlv', createdAtMs), endpoint],
  );
  return { id, deliveries: rows.map((row) => row.id) };
}
