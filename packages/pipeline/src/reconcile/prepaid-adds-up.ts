import { add, compare, decimal, type Decimal, formatDecimal, negate, ZERO } from '@meterline/domain/money';
import { ledgerFaults } from '@meterline/domain/prepaid';
import { parseInvoice } from '../invoices/index.ts';
import type { CustomerLedger, InvoiceStore, PrepaidStore } from '../ports/index.ts';
import { invariant, type Invariant } from './reconcile.ts';

export interface PrepaidCheckPorts {
  readonly prepaid: Pick<PrepaidStore, 'allLedgers'>;
  readonly invoices: Pick<InvoiceStore, 'allInvoices'>;
}

const LEDGERS_AT_A_TIME_MAX = 100;
const INVOICES_AT_A_TIME_MAX = 200;

/** What invoices took from grants, less what they gave back, by invoice, grant, line and adjusted invoice. */
type Taken = Map<string, Decimal>;

/**
 * Of every grant the movements add up to its balance, which was never below zero; and what the ledger says invoices took is what the
 * invoices say.
 */
export async function prepaidAddsUp(ports: PrepaidCheckPorts): Promise<Invariant> {
  const { taken: stated, known } = await takenByInvoices(ports.invoices);
  const booked: Taken = new Map();
  const differences: string[] = [];
  const counts = { ledgers: 0, movements: 0, burns: 0 };
  let after: string | null = null;
  do {
    const page = await ports.prepaid.allLedgers({ after, limit: LEDGERS_AT_A_TIME_MAX });
    for (const ledger of page.items) {
      counts.ledgers += 1;
      counts.movements += ledger.movements.length;
      differences.push(...faultsOf(ledger));
      for (const { invoice, grant, kind, amount, line, adjusts } of ledger.movements) {
        // An invoice that was issued since they were read is left for the next time.
        if ((kind !== 'burn' && kind !== 'refund') || !known.has(invoice ?? '')) continue;
        counts.burns += 1;
        take(booked, [invoice, grant, line, adjusts], negate(decimal(amount)));
      }
    }
    after = page.nextAfter;
  } while (after !== null);
  differences.push(...differencesOf(stated, booked));
  return invariant('prepaid ledgers add up, and took what invoices say', counts, differences);
}

function faultsOf({ tenant, customer, position, movements }: CustomerLedger): string[] {
  const faults = ledgerFaults(movements);
  if (movements.length !== position) faults.push(`${movements.length} movements, the account says ${position}`);
  return faults.map((fault) => `${tenant}/${customer}: ${fault}`);
}

async function takenByInvoices(
  invoices: PrepaidCheckPorts['invoices'],
): Promise<{ readonly taken: Taken; readonly known: ReadonlySet<string> }> {
  const taken: Taken = new Map();
  const known = new Set<string>();
  let after: string | null = null;
  do {
    const page = await invoices.allInvoices({ after, limit: INVOICES_AT_A_TIME_MAX });
    for (const stored of page.items) {
      const { prepaid } = parseInvoice(stored);
      known.add(stored.id);
      for (const { grant, line, adjusts, units } of prepaid?.units ?? []) {
        take(taken, [stored.id, grant, line, adjusts], decimal(units));
      }
      for (const { grant, line, adjusts, amount } of prepaid?.credits ?? []) {
        take(taken, [stored.id, grant, line, adjusts], decimal(amount));
      }
    }
    after = page.nextAfter;
  } while (after !== null);
  return { taken, known };
}

function take(taken: Taken, of: readonly (string | null)[], amount: Decimal): void {
  const key = JSON.stringify(of);
  taken.set(key, add(taken.get(key) ?? ZERO, amount));
}

function differencesOf(stated: Taken, booked: Taken): string[] {
  return [...new Set([...stated.keys(), ...booked.keys()])].flatMap((key) => {
    const [said, is] = [stated.get(key) ?? ZERO, booked.get(key) ?? ZERO];
    if (compare(said, is) === 0) return [];
    const [invoice, grant, line] = JSON.parse(key) as (string | null)[];
    return `${String(invoice)}, ${String(line)}: took ${formatDecimal(said)} of ${String(grant)}, the ledger says ${formatDecimal(is)}`;
  });
}
