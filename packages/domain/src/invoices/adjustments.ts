import { add, decimal, formatMoney, isZero, subtract, ZERO } from '../money/index.ts';
import { carriedAsKnown, isCarriedAlike } from './carry-over.ts';
import type { InvoiceAdjustment, InvoiceDocument, InvoiceLine } from './document.ts';
import { INVOICE_POLICY } from './policy.ts';

/**
 * What `earlier` should have charged at what is known now (`rated`: its lines rated again) less what was charged for its period: by
 * itself and by adjustments on the invoices `after` it. One entry for each line that differs, in its amount or in the units that its
 * allowance took over or leaves; none if all is settled.
 */
export function adjustmentsFor(
  earlier: InvoiceDocument,
  rated: readonly InvoiceLine[],
  after: readonly InvoiceDocument[],
): InvoiceAdjustment[] {
  const settled = after.flatMap((invoice) => invoice.adjustments).filter((adjustment) => adjustment.invoice === earlier.number);
  const carried = carriedAsKnown(earlier, after);
  return rated.flatMap((line) => {
    const billed = [...earlier.lines, ...settled]
      .filter((charge) => charge.key === line.key)
      .reduce((sum, charge) => add(sum, decimal(charge.amount)), ZERO);
    const difference = subtract(decimal(line.amount), billed);
    if (isZero(difference) && isCarriedAlike(line, carried.get(line.key))) return [];
    const { carriedUnits, carriedOver } = line;
    return {
      invoice: earlier.number,
      period: earlier.period,
      plan: earlier.plan,
      planVersion: earlier.planVersion,
      ...(earlier.phase && { phase: earlier.phase }),
      ...(earlier.quantities && { quantities: earlier.quantities }),
      ...(earlier.policy.version !== INVOICE_POLICY.version && { policyVersion: earlier.policy.version }),
      key: line.key,
      name: line.name,
      quantity: line.quantity,
      ...coveredOf(line),
      ...(carriedUnits !== undefined && { carriedUnits }),
      ...(carriedOver !== undefined && { carriedOver }),
      events: line.events,
      ratedAmount: line.amount,
      billedAmount: formatMoney(billed, earlier.currency),
      amount: formatMoney(difference, earlier.currency),
    };
  });
}

/** Sum of amounts that are rounded already. */
export function totalOf(charges: readonly { readonly amount: string }[], currency: string): string {
  return formatMoney(
    charges.reduce((sum, charge) => add(sum, decimal(charge.amount)), ZERO),
    currency,
  );
}

function coveredOf({ covered, parts }: InvoiceLine): Pick<InvoiceAdjustment, 'covered' | 'coveredParts'> {
  if (covered === undefined) return {};
  return { covered, ...(parts && { coveredParts: parts.map((part) => part.covered ?? '0') }) };
}
