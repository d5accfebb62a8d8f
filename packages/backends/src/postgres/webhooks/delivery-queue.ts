import type { ClaimedDelivery, Database, DeliveryQueue, SqlExecutor } from '@meterline/pipeline/ports';

interface ClaimedRow extends Omit<ClaimedDelivery, 'secrets' | 'messageId'> {
  readonly message: string;
  readonly secret: string;
  readonly previous_secret: string | null;
}

/**
 * `next_attempt_at` says when a delivery is due. Taking one moves it ahead to the end of the lease, so a worker that dies simply lets
 * the delivery come due again. Rows that another worker is just taking are skipped.
 */
export function deliveryQueue(db: Database): DeliveryQueue {
  return {
    async claimDue({ nowMs, leaseUntilMs, limit, perEndpointMax, underWay }) {
      const rows = await db.query<ClaimedRow>(
        `with busy as (
           select endpoint, count(*) as deliveries from unnest($5::text[]) as endpoint group by endpoint
         ), candidate as (
           select d.id, d.next_attempt_at,
             row_number() over (partition by e.id order by d.next_attempt_at) + coalesce(busy.deliveries, 0) as place
           from webhook_endpoint e
           left join busy on busy.endpoint = e.id
           cross join lateral (
             select id, next_attempt_at from webhook_delivery
             where endpoint = e.id and state = 'pending' and next_attempt_at <= $1 and id <> all($6::text[])
             order by next_attempt_at
             limit $4
             for update skip locked
           ) d
           where e.disabled_at is null and e.removed_at is null
         ), due as (
           select id from candidate where place <= $4 order by next_attempt_at limit $3
         )
         update webhook_delivery d set next_attempt_at = $2
         from due, webhook_message m, webhook_endpoint e
         where d.id = due.id and m.id = d.message and e.id = d.endpoint
         returning d.id, d.tenant, d.endpoint, e.url, d.message, m.payload, d.attempts, e.secret,
           case when e.previous_secret_until > $1 then e.previous_secret end as previous_secret`,
        [
          new Date(nowMs),
          new Date(leaseUntilMs),
          limit,
          perEndpointMax,
          underWay.map((delivery) => delivery.endpoint),
          underWay.map((delivery) => delivery.id),
        ],
      );
      return rows.map(({ message, secret, previous_secret, ...row }) => ({
        ...row,
        messageId: message,
        secrets: previous_secret === null ? [secret] : [secret, previous_secret],
      }));
    },

    async nextDueAfter(nowMs) {
      const [row] = await db.query<{ at: string | null }>(
        `select min(d.next_attempt_at) as at from webhook_endpoint e
         cross join lateral (
           select next_attempt_at from webhook_delivery
           where endpoint = e.id and state = 'pending' and next_attempt_at > $1
           order by next_attempt_at limit 1
         ) d
         where e.disabled_at is null and e.removed_at is null`,
        [new Date(nowMs)],
      );
      return row?.at == null ? undefined : Date.parse(row.at);
    },

    async recordAttempt({ id, endpoint }, result, next) {
      const at = new Date(result.atMs);
      const completedAt = next.state === 'pending' ? null : new Date(result.atMs + result.durationMs);
      const nextAttemptAt = next.state === 'pending' ? new Date(next.nextAttemptAtMs) : null;
      await db.transaction(async (tx) => {
        if (next.state === 'failed' && next.disableEndpoint !== undefined) await disable(tx, endpoint, at, next.disableEndpoint);
        // The row stays locked from here on. If the lease had lapsed, another worker may have been here before: a success then stands.
        const [delivery] = await tx.query<{ attempts: number }>(
          `update webhook_delivery d set attempts = d.attempts + 1,
             state = case when d.state = 'pending' or $2 = 'delivered' then $2 else d.state end,
             completed_at = case when d.state = 'pending' then $3 else coalesce(d.completed_at, $3) end,
             next_attempt_at = case when d.state = 'pending' and e.disabled_at is null then $4::timestamptz end
           from webhook_endpoint e where e.id = d.endpoint and d.id = $1
           returning d.attempts`,
          [id, next.state, completedAt, nextAttemptAt],
        );
        if (delivery === undefined) throw new Error(`webhook delivery ${id} is gone`);
        await tx.query(
          'insert into webhook_attempt (delivery, attempt, at, status, error, duration_ms) values ($1, $2, $3, $4, $5, $6)',
          [id, delivery.attempts, at, result.status, result.error, result.durationMs],
        );
      });
    },
  };
}

/** First the endpoint, then its deliveries, like everything else that locks both. */
async function disable(tx: SqlExecutor, endpoint: string, at: Date, reason: string): Promise<void> {
  await tx.query('update webhook_endpoint set disabled_at = $2, disabled_reason = $3 where id = $1 and disabled_at is null', [
    endpoint,
    at,
    reason,
  ]);
  await tx.query(`update webhook_delivery set next_attempt_at = null where endpoint = $1 and state = 'pending'`, [endpoint]);
}
