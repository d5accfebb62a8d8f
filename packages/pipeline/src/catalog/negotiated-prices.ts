import { Fault } from '@meterline/domain/faults';
import type { NegotiatedEnd, NegotiatedPrice, Negotiation } from '@meterline/domain/price-versions';
import { formatInstant } from '@meterline/domain/time';
import type { CustomerRecord, CustomerStore, NegotiatedPriceStore, NegotiationDraft, Page, PageRequest } from '../ports/index.ts';
import type { NegotiatingPorts } from './agreed-cards.ts';
import { customerUnknown } from './customers.ts';
import type { NegotiatedEndInput, NewNegotiatedPrice } from './negotiated-price-input.ts';
import { ending, invalidAgreement, negotiating } from './negotiating.ts';

/** All of them are read where a period of the customer is rated. */
const NEGOTIATIONS_MAX = 2000;
/** Entering prices is rare: only as many at once for one customer would ever get here. */
const ATTEMPTS_MAX = 10;

/** What was entered, with the earliest end that is known of it. */
export interface NegotiatedPriceRecord extends NegotiatedPrice {
  readonly end: NegotiatedEnd | null;
}

export interface NegotiatedPriceCatalog {
  /** Another price of a rate card for one customer, or a percentage off all of them. Fails as the messages below say. */
  add(customer: string, input: NewNegotiatedPrice, tenant: string): Promise<NegotiatedPriceRecord>;
  /** Ends one before it would end. */
  end(customer: string, revision: number, input: NegotiatedEndInput, tenant: string): Promise<NegotiatedPriceRecord>;
  /** Everything entered by `knownAtMs`, in order; paged by revision. */
  list(
    customer: string,
    request: PageRequest & { knownAtMs?: number | undefined },
    tenant: string,
  ): Promise<Page<NegotiatedPriceRecord>>;
}

interface Ports extends NegotiatingPorts {
  readonly negotiatedPrices: NegotiatedPriceStore;
  readonly customers: Pick<CustomerStore, 'byKey'>;
}

export function negotiatedPriceCatalog(ports: Ports): NegotiatedPriceCatalog {
  const { negotiatedPrices, customers, clock } = ports;

  async function known(key: string, tenant: string): Promise<{ customer: CustomerRecord; entered: readonly Negotiation[] }> {
    const customer = await customers.byKey(key, tenant);
    if (customer === undefined) throw customerUnknown(key);
    const entered = await negotiatedPrices.of(key, tenant);
    return { customer, entered: entered.filter(({ revision }) => revision <= customer.negotiatedRevision) };
  }

  /** Decides on what is known, and again if something was entered meanwhile. */
  async function enter(
    key: string,
    isCorrection: boolean | undefined,
    decide: (entered: readonly Negotiation[]) => Promise<Decided>,
    tenant: string,
  ): Promise<readonly [Negotiation, ...Negotiation[]]> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const { customer, entered } = await known(key, tenant);
      if (entered.length >= NEGOTIATIONS_MAX)
        throw invalidAgreement([
          { path: 'plan', message: `a customer has at most ${NEGOTIATIONS_MAX} entries of negotiated prices` },
        ]);
      const { path, ...decided } = await decide(entered);
      const basis = { customer: key, afterRevision: customer.negotiatedRevision, isCorrection: isCorrection === true };
      const result = await negotiatedPrices.insert({ ...decided.draft, ...basis }, await clock.nowMs(tenant), tenant);
      if (!('refused' in result)) return [result, ...entered];
      if (result.refused === 'invoiced') throw periodInvoiced(path, result.throughMs);
    }
    throw new Fault('unavailable', 'negotiated_price.contended', 'Too many prices of this customer are being entered at once.', {
      retryAfterSeconds: 1,
    });
  }

  return {
    async add(key, input, tenant) {
      const decide = async (entered: readonly Negotiation[]) => ({
        path: 'validFrom' as const,
        draft: await negotiating(ports, entered, input, tenant),
      });
      const [price, ...before] = await enter(key, input.correction, decide, tenant);
      return recorded([...before, price], price.revision);
    },

    async end(key, revision, input, tenant) {
      const decide = async (entered: readonly Negotiation[]) => ({
        path: 'at' as const,
        draft: ending(entered, revision, input, await clock.nowMs(tenant)),
      });
      const [end, ...before] = await enter(key, input.correction, decide, tenant);
      return recorded([...before, end], revision);
    },

    async list(key, { after, limit, knownAtMs = Infinity }, tenant) {
      const { entered } = await known(key, tenant);
      const then = entered.filter(({ knownSinceMs }) => knownSinceMs <= knownAtMs);
      const rest = then.filter((each) => !('ends' in each) && each.revision > Number(after ?? 0));
      const items = rest.slice(0, limit).map(({ revision }) => recorded(then, revision));
      return { items, nextAfter: rest.length > limit ? String(items.at(-1)?.revision) : null };
    },
  };
}

type Draft = NegotiationDraft extends infer Each ? (Each extends unknown ? Omit<Each, keyof Basis> : never) : never;
type Basis = Pick<NegotiationDraft, 'customer' | 'afterRevision' | 'isCorrection'>;

interface Decided {
  readonly draft: Draft;
  /** The field that says from when on something changes. */
  readonly path: 'validFrom' | 'at';
}

function recorded(entered: readonly Negotiation[], revision: number): NegotiatedPriceRecord {
  const price = entered.find((each): each is NegotiatedPrice => each.revision === revision && !('ends' in each));
  if (price === undefined) throw new Error(`there is no negotiated price ${revision}`);
  const ends = entered.filter((each): each is NegotiatedEnd => 'ends' in each && each.ends === revision);
  return { ...price, end: ends.toSorted((a, b) => a.atMs - b.atMs)[0] ?? null };
}

function periodInvoiced(path: string, throughMs: number): Fault {
  const message = `must not be before ${formatInstant(throughMs)}, up to which the customer is invoiced for this plan, unless correction is true`;
  return new Fault('conflict', 'negotiated_price.period_invoiced', 'Invoices of the customer were issued for days after that.', {
    errors: [{ path, message }],
  });
}
