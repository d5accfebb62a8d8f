import type { InvoiceDocument } from '@meterline/domain/invoices';
import { type Client, route } from '../client.ts';
import { CliError } from '../errors.ts';
import { allItems, itemsOf } from '../pages.ts';
import { creditNoteTable, creditNoteText, type CreditNoteSummary } from '../render/credit-note.ts';
import { type AddCommand, examples } from '../session.ts';

export const creditNoteCommand: AddCommand = (program, open) => {
  const note = program.command('credit-note').description('what was given back of fees that were billed in advance');

  note
    .command('list')
    .option('--customer <key>', 'only credit notes of this customer')
    .description('list credit notes, newest first')
    .addHelpText('after', examples('meterline credit-note list --customer acme'))
    .action(async ({ customer }: { customer?: string }) => {
      const { client, show } = await open();
      const notes = (await allItems(client, '/v1/credit-notes', { customer })) as CreditNoteSummary[];
      show(notes, () => (notes.length === 0 ? 'There are no credit notes yet.' : creditNoteTable(notes)));
    });

  note
    .command('show')
    .argument('<id|number>', 'such as INV-000001-CN1')
    .description('print a credit note')
    .addHelpText('after', examples('meterline credit-note show INV-000001-CN1'))
    .action(async (name: string) => {
      const { client, terminal, show } = await open();
      const document = (await client.get(route`/v1/credit-notes/${await creditNoteId(client, name)}`)) as InvoiceDocument;
      show(document, () => creditNoteText(document, terminal));
    });
};

/** Numbers are what people know; the API knows ids. */
async function creditNoteId(client: Client, name: string): Promise<string> {
  if (!/^INV-\d+-CN\d+$/i.test(name)) return name;
  for await (const item of itemsOf(client, '/v1/credit-notes')) {
    const { id, number } = item as CreditNoteSummary;
    if (number === name.toUpperCase()) return id;
  }
  throw new CliError(1, 'credit_note.unknown', `There is no credit note "${name}".`);
}
