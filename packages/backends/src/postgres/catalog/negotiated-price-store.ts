import type { NegotiatedPrice, Negotiation } from '@meterline/domain/price-versions';
import type { ModifierOverrides, Price } from '@meterline/domain/prices';
import type { Database, KnownNegotiations, NegotiatedPriceStore, NegotiationDraft, SqlExecutor } from '@meterline/pipeline/ports';
import { lockIssuing } from '../invoices/issuing.ts';
import { wakeCustomer } from './wake-customer.ts';
import { dateOrNull, epochMs, epochMsOrNull } from './rows.ts';

interface NegotiatedPriceRow {
  readonly customer: string;
  readonly revision: number;
  readonly plan: string | null;
  readonly rate_card: string | null;
  readonly meter: string | null;
  readonly valid_from: string;
  readonly valid_until: string | null;
  readonly known_since: string;
  readonly price: Price | null;
  readonly modifiers: ModifierOverrides | null;
  readonly note: string | null;
  readonly ends: number | null;
}

function negotiation(row: NegotiatedPriceRow): Negotiation {
  const { revision, plan, meter, price, modifiers, note, ends } = row;
  const [fromMs, knownSinceMs] = [epochMs(row.valid_from), epochMs(row.known_since)];
  if (ends !== null) return { revision, ends, atMs: fromMs, knownSinceMs };
  const valid = { validFromMs: fromMs, validUntilMs: epochMsOrNull(row.valid_until) };
  return { revision, plan, rateCard: row.rate_card, meter, ...valid, knownSinceMs, price, modifiers, note };
}

export function negotiatedPriceStore(db: Database): NegotiatedPriceStore {
  return {
    insert: (draft, nowMs, tenant) =>
      db.transaction(async (tx) => {
        // No invoice is issued, and nothing else negotiated, between our look at them and our commit.
        await lockIssuing(tx, tenant);
        const known = await newest(tx, draft.customer, tenant);
        if (known.revision !== draft.afterRevision) return { refused: 'outdated' };
        const row = rowOf(draft);
        const throughMs = await invoicedThroughMs(tx, draft, tenant);
        if (!draft.isCorrection && throughMs > row.validFromMs) return { refused: 'invoiced', throughMs };
        const rows = await tx.query<NegotiatedPriceRow>(
          `insert into negotiated_price
             (customer, revision, plan, rate_card, meter, valid_from, valid_until, known_since, price, modifiers, note, ends, tenant)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11, $12, $13) returning *`,
          [
            ...[draft.customer, known.revision + 1, draft.plan, draft.rateCard, row.meter],
            ...[new Date(row.validFromMs), dateOrNull(row.validUntilMs), new Date(Math.max(nowMs, known.sinceMs))],
            ...[jsonOrNull(row.price), jsonOrNull(row.modifiers), row.note, row.ends, tenant],
          ],
        );
        await wakeCustomer(tx, draft.customer, tenant);
        const [inserted] = rows.map(negotiation);
        if (inserted === undefined) throw new Error('a negotiated price was not inserted');
        return inserted;
      }),

    of: async (customer, tenant) =>
      (await negotiationsOf(db, [{ customer, revision: REVISION_MAX }], tenant)).get(customer) ?? [],
  };
}

const REVISION_MAX = 2 ** 31 - 1;

/** Each customer's up to the greatest of its revisions asked for. */
export async function negotiationsOf(
  db: SqlExecutor,
  known: readonly KnownNegotiations[],
  tenant: string,
): Promise<ReadonlyMap<string, readonly Negotiation[]>> {
  const rows = await db.query<NegotiatedPriceRow>(
    `select n.* from negotiated_price n join (
       select customer, max(revision) as revision from unnest($1::text[], $2::integer[]) as k (customer, revision) group by customer
     ) known on known.customer = n.customer and n.revision <= known.revision
     where n.tenant = $3 order by n.customer, n.revision`,
    [known.map(({ customer }) => customer), known.map(({ revision }) => revision), tenant],
  );
  const byCustomer = Map.groupBy(rows, ({ customer }) => customer);
  return new Map([...byCustomer].map(([customer, entered]) => [customer, entered.map(negotiation)]));
}

type RowToKeep = Omit<NegotiatedPrice, 'revision' | 'knownSinceMs' | 'plan' | 'rateCard'> & { readonly ends: number | null };

function rowOf(draft: NegotiationDraft): RowToKeep {
  if (!('ends' in draft)) return { ...draft, ends: null };
  const { ends, atMs } = draft;
  return { ends, validFromMs: atMs, validUntilMs: null, meter: null, price: null, modifiers: null, note: null };
}

const jsonOrNull = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));

async function newest(tx: SqlExecutor, customer: string, tenant: string): Promise<{ revision: number; sinceMs: number }> {
  const [row] = await tx.query<{ revision: number; known_since: string }>(
    'select revision, known_since from negotiated_price where customer = $1 and tenant = $2 order by revision desc limit 1',
    [customer, tenant],
  );
  return row === undefined ? { revision: 0, sinceMs: -Infinity } : { revision: row.revision, sinceMs: epochMs(row.known_since) };
}

/** The latest end of an invoiced period of the customer under the plan (null: any), or 0. */
async function invoicedThroughMs(
  tx: SqlExecutor,
  { customer, plan }: Pick<NegotiationDraft, 'customer' | 'plan'>,
  tenant: string,
): Promise<number> {
  const [row] = await tx.query<{ through: string | null }>(
    `select max(i.period_to) as through from subscription s
     join subscription_stage st on st.subscription = s.id and st.tenant = s.tenant
     join invoice i on i.subscription = s.id and i.tenant = s.tenant
       and i.period_to > st.from_at and (st.until_at is null or i.period_from < st.until_at)
     where s.customer = $1 and ($2::text is null or st.plan = $2) and i.kind = 'period' and s.tenant = $3`,
    [customer, plan, tenant],
  );
  return row?.through == null ? 0 : epochMs(row.through);
}
