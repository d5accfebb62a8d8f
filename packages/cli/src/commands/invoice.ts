import type { InvoiceDocument } from '@meterline/domain/invoices';
import { type Client, route } from '../client.ts';
import { CliError } from '../errors.ts';
import { instantArgument } from '../instants.ts';
import { finishedRun, type InvoiceRun, type InvoiceSummary, issuedBy } from '../invoice-runs.ts';
import { allItems, itemsOf } from '../pages.ts';
import { groupDigits } from '../render/digits.ts';
import { invoiceText } from '../render/invoice.ts';
import { table } from '../render/table.ts';
import { writePage } from './document-page.ts';
import { type AddCommand, examples } from '../session.ts';

export const invoiceCommand: AddCommand = (program, open) => {
  const invoice = program.command('invoice').description('invoices and invoice runs');

  invoice
    .command('run')
    .option('--at <instant>', 'only periods that ended by then: RFC 3339, or a date (midnight UTC); default now', instantArgument)
    .description(
      'invoice every billing period that has ended and has no invoice yet, and usage that is due within one, and wait for it',
    )
    .addHelpText('after', examples('meterline invoice run', 'meterline invoice run --at 2023-12-01'))
    .action(async ({ at }: { at?: string }) => {
      const { client, show } = await open();
      const run = await finishedRun(client, (await client.post('/v1/invoice-runs', { at })) as InvoiceRun);
      const invoices = await issuedBy(client, run);
      show({ run, invoices }, () => runText(run, invoices));
    });

  invoice
    .command('list')
    .option('--customer <key>', 'only invoices of this customer')
    .description('list invoices, newest first')
    .addHelpText('after', examples('meterline invoice list --customer acme'))
    .action(async ({ customer }: { customer?: string }) => {
      const { client, show } = await open();
      const invoices = (await allItems(client, '/v1/invoices', { customer })) as InvoiceSummary[];
      show(invoices, () => (invoices.length === 0 ? 'There are no invoices yet.' : invoiceTable(invoices)));
    });

  invoice
    .command('show')
    .argument('<id|number>', 'such as INV-000001')
    .option('--html <file>', 'also write its printable page to this file')
    .description('print an invoice with the tiers of every line')
    .addHelpText('after', examples('meterline invoice show INV-000001', 'meterline invoice show INV-000001 --html invoice.html'))
    .action(async (name: string, { html }: { html?: string }) => {
      const session = await open();
      const { client, terminal, show } = session;
      const path = route`/v1/invoices/${await invoiceId(client, name)}`;
      const document = (await client.get(path)) as InvoiceDocument;
      show(document, () => invoiceText(document, terminal));
      await writePage(session, path, html);
    });
};

/** Numbers are what people know; the API knows ids. */
async function invoiceId(client: Client, name: string): Promise<string> {
  if (!/^INV-\d+$/i.test(name)) return name;
  for await (const item of itemsOf(client, '/v1/invoices')) {
    const { id, number } = item as InvoiceSummary;
    if (number === name.toUpperCase()) return id;
  }
  throw new CliError(1, 'invoice.unknown', `There is no invoice "${name}".`);
}

function runText(run: InvoiceRun, invoices: readonly InvoiceSummary[]): string {
  const head = `Run ${run.id} invoiced what ended by ${run.at}: ${groupDigits(String(run.invoices))} new.`;
  return invoices.length === 0 ? head : `${head}\n\n${invoiceTable(invoices)}`;
}

function invoiceTable(invoices: readonly InvoiceSummary[]): string {
  return table(
    [
      { title: 'number' },
      { title: 'kind' },
      { title: 'customer' },
      { title: 'plan' },
      { title: 'period' },
      { title: 'total', align: 'right' },
      { title: '' },
    ],
    invoices.map(({ number, kind, threshold, customer, plan, period, usageTo = period.to, total, currency }) => [
      number,
      threshold === undefined ? kind : `${kind} at ${groupDigits(threshold)}`,
      customer,
      plan,
      `${period.from} up to ${usageTo}`,
      groupDigits(total),
      currency,
    ]),
  );
}
