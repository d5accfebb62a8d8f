import {
  billedOnInterims,
  carriedAsKnown,
  type EarlierDocuments,
  feesByLine,
  type InvoiceDocument,
  totalOf,
} from '@meterline/domain/invoices';
import { add, decimal, formatMoney, ZERO } from '@meterline/domain/money';
import { entriesOf, PrepaidAccount, type PrepaidStatement } from '@meterline/domain/prepaid';
import { parseInstantMs } from '@meterline/domain/time';
import type { AccountReader, PrepaidBooking } from '../ports/index.ts';
import type { BilledPeriod, DrawingPeriod, PrepaidEntries } from './period.ts';

/** What an invoice in the making says of grants, and what it will book. */
export interface DraftedPrepaid {
  readonly statement: PrepaidStatement;
  readonly booking: PrepaidBooking;
}

/** How the invoices that are drafted together draw on their customers' grants. */
export interface InvoiceGrants {
  /** For the period that the draft bills, or an earlier one that it settles: earlier ones draw first. Undefined without grants. */
  drawing(draft: number, billed: BilledPeriod | null): DrawingPeriod | undefined;
  /** Null for a customer without grants. To be asked in the order of the drafts, after rating; `entries` are those of all its periods. */
  drafted(draft: number, entries: readonly (PrepaidEntries | undefined)[]): DraftedPrepaid | null;
}

/** Reads the grants of the customers of these drafts, in the order in which the drafts will be issued. */
export async function invoiceGrants(
  accounts: AccountReader,
  drafts: readonly { readonly customer: string; readonly currency: string }[],
  tenant: string,
): Promise<InvoiceGrants> {
  const states = await accounts.prepaid([...new Set(drafts.map(({ customer }) => customer))], tenant);
  const byCustomer = new Map(states.map((state) => [state.customer, new PrepaidAccount(state)]));
  const accountOf = (draft: number) => byCustomer.get(drafts[draft]?.customer ?? '');
  /** Where each ledger will be once the drafts asked for are issued. */
  const positions = new Map(states.map(({ customer, position }) => [customer, position]));
  let turn = 0;
  return {
    drawing(draft, billed) {
      const account = accountOf(draft);
      return account && { account, booking: String(draft), turn: (turn += 1), billed };
    },
    drafted(draft, entries) {
      const account = accountOf(draft);
      const { customer, currency } = drafts[draft] ?? {};
      const position = positions.get(customer ?? '');
      if (account === undefined || customer === undefined || currency === undefined || position === undefined) return null;
      const movements = account.movementsOf(String(draft));
      positions.set(customer, position + movements.length);
      const units = entries.flatMap((each) => each?.units ?? []);
      const credits = entries.flatMap((each) => each?.credits ?? []);
      const credited = credits.reduce((sum, { amount }) => add(sum, decimal(amount)), ZERO);
      const { order } = account;
      return {
        statement: { position, order, units, credits, credited: formatMoney(credited, currency) },
        booking: { position, order, movements },
      };
    },
  };
}

/** An invoiced period, some of which the `earlier` documents billed before, as the invoices `after` it left it. */
export function billedPeriod(
  invoice: InvoiceDocument,
  after: readonly InvoiceDocument[],
  earlier: EarlierDocuments | null,
): BilledPeriod {
  const carried = carriedAsKnown(invoice, after);
  const before = earlier && billedBeforeInvoice(earlier, { keepsUnused: false });
  return {
    invoice: invoice.number,
    cut: after.at(-1)?.cut ?? invoice.cut,
    line(key) {
      const own = invoice.lines.filter((line) => line.key === key);
      const settled = after
        .flatMap(({ adjustments }) => adjustments)
        .filter((each) => each.invoice === invoice.number && each.key === key);
      const stated = [entriesIn(invoice, key, null), ...after.map((each) => entriesIn(each, key, invoice.number))];
      return {
        amount: formatMoney(
          [...own, ...settled].reduce((sum, { amount }) => add(sum, decimal(amount)), ZERO),
          invoice.currency,
        ),
        carriedUnits: carried.get(key)?.carriedUnits,
        units: [...(before?.line(key).units ?? []), ...stated.flatMap(({ units }) => units)],
        credits: [...(before?.line(key).credits ?? []), ...stated.flatMap(({ credits }) => credits)],
      };
    },
  };
}

/**
 * What was billed of a period before its invoice; null: nothing. With `keepsUnused` fees in advance are final: grants get nothing back for time that is
 * not used.
 */
export function billedBeforeInvoice(
  { fees, interims }: EarlierDocuments,
  { keepsUnused }: { readonly keepsUnused: boolean },
): BilledPeriod | null {
  const last = interims.at(-1);
  const currency = (last ?? fees?.fee)?.currency;
  if (currency === undefined) return null;
  const inAdvance: ReadonlyMap<string, string> = fees ? feesByLine(fees) : new Map();
  const onInterims = Map.groupBy(billedOnInterims(interims), ({ key }) => key);
  return {
    invoice: null,
    cut: last?.cut ?? null,
    usageToMs: parseInstantMs(last?.interim?.usageTo ?? ''),
    line(key) {
      const fee = inAdvance.get(key);
      const stated = [
        ...(fees ? [entriesIn(fees.fee, key, null)] : []),
        ...(fees?.creditNote ? [entriesIn(fees.creditNote, key, fees.fee.number)] : []),
        ...interims.map((interim) => entriesIn(interim, key, null)),
      ];
      return {
        amount: totalOf([...(onInterims.get(key) ?? []), ...(fee === undefined ? [] : [{ amount: fee }])], currency),
        isFinal: keepsUnused && fee !== undefined,
        carriedUnits: last?.lines.find((line) => line.key === key)?.carriedUnits,
        units: stated.flatMap(({ units }) => units),
        credits: stated.flatMap(({ credits }) => credits),
      };
    },
  };
}

function entriesIn({ prepaid }: InvoiceDocument, key: string, adjusts: string | null) {
  return entriesOf(prepaid ?? { units: [], credits: [] }, key, adjusts);
}

/** Lets an issued invoice's own period draw again, from grants as the ledger stood and with what the invoice settled of others before. */
export async function drawingOfInvoice(
  accounts: AccountReader,
  { prepaid, customer, tenant }: Pick<InvoiceDocument, 'prepaid' | 'customer' | 'tenant'>,
  billed: BilledPeriod | null,
): Promise<DrawingPeriod | undefined> {
  if (prepaid === undefined) return undefined;
  const { position, order, units, credits } = prepaid;
  const account = new PrepaidAccount({ position, order, balances: await accounts.prepaidAt(customer.key, position, tenant) });
  for (const { adjusts, grant, quantity, units: taken } of units) {
    if (adjusts !== null) account.apply({ grant, quantity: decimal(quantity), units: decimal(taken) });
  }
  for (const { adjusts, grant, amount } of credits) {
    if (adjusts !== null) account.apply({ grant, quantity: decimal(amount), units: decimal(amount) });
  }
  return { account, booking: '', turn: 0, billed };
}
