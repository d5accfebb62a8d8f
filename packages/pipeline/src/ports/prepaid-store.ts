import type {
  BurnOrder,
  Grant,
  GrantBalance,
  LedgerRow,
  MovementDraft,
  PrepaidState,
  Settlement,
} from '@meterline/domain/prepaid';
import type { Page, PageRequest } from './page.ts';

/** A customer that has, or had, grants. */
export interface CustomerPrepaid extends PrepaidState {
  readonly customer: string;
  /** End of the last invoiced period of each of its subscriptions that has one. */
  readonly billedThroughMs: ReadonlyMap<string, number>;
}

/** Reads what rating needs to know of grants. */
export interface PrepaidReader {
  /** Customers without any grant are left out. */
  prepaid(customers: readonly string[], tenant: string): Promise<CustomerPrepaid[]>;
  /** Balances as the first `position` movements of a customer's ledger make them. */
  prepaidAt(customer: string, position: number, tenant: string): Promise<readonly GrantBalance[]>;
}

/** A movement with its place in the ledger. Rows never change. */
export interface Movement extends MovementDraft {
  /** Counts from 1 for each customer, without gaps. */
  readonly position: number;
  /** Of the grant, after it. */
  readonly balance: string;
  /** Id of the invoice that made it. */
  readonly invoice: string | null;
  readonly bookedAtMs: number;
}

/** What an invoice takes from grants: valid only while the ledger is at `position` and burns in `order`. */
export interface PrepaidBooking {
  readonly position: number;
  readonly order: BurnOrder;
  readonly movements: readonly MovementDraft[];
}

export interface PrepaidStore extends PrepaidReader {
  /** Writes the grant with its first movement. A grant of that key is answered instead of inserted. Undefined without the customer. */
  insertGrant(customer: string, grant: Grant, tenant: string): Promise<Grant | undefined>;
  /** Takes what is left of a grant, all or nothing. */
  voidGrant(id: string, nowMs: number, tenant: string): Promise<'voided' | 'unknown' | 'voided_before' | 'nothing_left'>;
  /** Newest first; `after` is a grant id. */
  grants(customer: string, request: PageRequest, tenant: string): Promise<Page<Grant>>;
  /** A grant as it stands now, and whose it is. */
  grantBalance(id: string, tenant: string): Promise<(GrantBalance & { readonly customer: string }) | undefined>;
  /** False without the customer. */
  setBurnOrder(customer: string, order: BurnOrder, tenant: string): Promise<boolean>;
  /** By position; `after` is a position. */
  ledger(customer: string, request: PageRequest, tenant: string): Promise<Page<Movement>>;
  /** Position of the last movement booked by then; 0 without any. */
  positionAt(customer: string, atMs: number, tenant: string): Promise<number>;
  /** Customers with something left of grants that ended by `atMs`, all of their usage from before those ends being invoiced. */
  withRests(atMs: number, tenant: string): Promise<{ readonly customer: string; readonly grants: readonly string[] }[]>;
  /** Books all of them, if the ledger is still at `position`; else nothing, and answers false. */
  settle(customer: string, position: number, settlements: readonly Settlement[], nowMs: number, tenant: string): Promise<boolean>;
  /** Ledgers of all tenants, for checking: whole customers, by tenant and customer; `after` is what `nextAfter` was. */
  allLedgers(request: PageRequest): Promise<Page<CustomerLedger>>;
}

export interface CustomerLedger {
  readonly tenant: string;
  readonly customer: string;
  readonly position: number;
  readonly movements: readonly (LedgerRow & Pick<Movement, 'invoice' | 'line' | 'adjusts'>)[];
}
