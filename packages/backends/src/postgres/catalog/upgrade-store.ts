import type { SqlExecutor, UpgradeRecord, UpgradeStore } from '@meterline/pipeline/ports';
import { dateOrNull, epochMs, epochMsOrNull, pageOf } from './rows.ts';

interface UpgradeRow extends Pick<
  UpgradeRecord,
  'id' | 'tenant' | 'subscription' | 'state' | 'token' | 'change' | 'snapshot' | 'steps'
> {
  readonly extra_costs: UpgradeRecord['extraCosts'];
  readonly created_at: string;
  readonly grace_until: string;
  readonly finished_at: string | null;
}

const record = ({ extra_costs, created_at, grace_until, finished_at, ...row }: UpgradeRow): UpgradeRecord => ({
  ...row,
  extraCosts: extra_costs,
  createdAtMs: epochMs(created_at),
  graceUntilMs: epochMs(grace_until),
  finishedAtMs: epochMsOrNull(finished_at),
});

const COLUMNS =
  'id, tenant, subscription, state, token, change, snapshot, extra_costs, steps, created_at, grace_until, finished_at';
/** More are found by the next look. */
const UNFINISHED_AT_A_TIME_MAX = 100;

export function upgradeStore(db: SqlExecutor): UpgradeStore {
  return {
    async insert({ id, tenant, subscription, state, token, snapshot, extraCosts, steps, createdAtMs, graceUntilMs }) {
      const rows = await db.query<UpgradeRow>(
        `insert into subscription_upgrade (id, tenant, subscription, state, token, snapshot, extra_costs, steps, created_at, grace_until)
         values ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8::jsonb, $9, $10) on conflict do nothing returning ${COLUMNS}`,
        [
          ...[
            id,
            tenant,
            subscription,
            state,
            token,
            JSON.stringify(snapshot),
            JSON.stringify(extraCosts),
            JSON.stringify(steps),
          ],
          ...[new Date(createdAtMs), new Date(graceUntilMs)],
        ],
      );
      return rows.map(record)[0];
    },

    async progress({ id, tenant, state, change, steps, finishedAtMs }, from) {
      const rows = await db.query(
        `update subscription_upgrade set state = $1, change = $2, steps = $3::jsonb, finished_at = $4
         where id = $5 and state = $6 and tenant = $7 returning id`,
        [state, change, JSON.stringify(steps), dateOrNull(finishedAtMs), id, from, tenant],
      );
      return rows.length > 0;
    },

    async byId(id, tenant) {
      const rows = await db.query<UpgradeRow>(`select ${COLUMNS} from subscription_upgrade where id = $1 and tenant = $2`, [
        id,
        tenant,
      ]);
      return rows.map(record)[0];
    },

    async page({ subscription, after, limit }, tenant) {
      const rows = await db.query<UpgradeRow>(
        `select ${COLUMNS} from subscription_upgrade where subscription = $1 and ($2::text is null or id < $2) and tenant = $4
         order by id desc limit $3`,
        [subscription, after, limit + 1, tenant],
      );
      return pageOf(rows, { after, limit }, record, (row) => row.id);
    },

    async unfinished(beforeServerMs) {
      const rows = await db.query<UpgradeRow>(
        `select ${COLUMNS} from subscription_upgrade where state = 'running' and created_at < $1::timestamptz + clock_shift(tenant) order by id limit $2`,
        [new Date(beforeServerMs), UNFINISHED_AT_A_TIME_MAX],
      );
      return rows.map(record);
    },
  };
}
