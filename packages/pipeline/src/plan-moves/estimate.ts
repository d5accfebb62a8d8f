import { totalOf } from '@meterline/domain/invoices';
import { decimal, formatMoney, subtract } from '@meterline/domain/money';
import type { MoveEstimate } from '../ports/index.ts';
import { accountWith, type Decided, projectedInvoices, type ProjectionPorts } from '../subscription-changes/index.ts';

/** What the invoices up to the first whole period after the change would come to, as in a preview of it. */
export async function estimateOf(ports: ProjectionPorts, decided: Decided, tenant: string): Promise<MoveEstimate> {
  const { customer } = decided.subject;
  const [account] = await ports.accounts.accounts([customer.key], tenant);
  if (account === undefined) throw new Error(`customer ${customer.key} has no account`);
  const { cut } = await ports.usage.usageAll([]);
  const changed = await accountWith(ports, account, decided, tenant);
  const [after, before] = await Promise.all(
    [changed, account].map(async (each) => {
      const invoices = await projectedInvoices(ports, decided, each, cut, tenant);
      return totalOf(invoices.map(({ total }) => ({ amount: total })), customer.currency); // prettier-ignore
    }),
  );
  if (after === undefined || before === undefined) throw new Error('an estimate has two sides');
  return { before, after, difference: formatMoney(subtract(decimal(after), decimal(before)), customer.currency) };
}
