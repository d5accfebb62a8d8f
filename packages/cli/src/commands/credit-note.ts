import type { InvoiceDocument } from '@meterline/domain/invoices';
import { type Client, route } from '../client.ts';
import { CliError } from '../errors.ts';
import { allItems, itemsOf } from '../pages.ts';
import { creditNoteTable, creditNoteText, type CreditNoteSummary } from '../render/credit-note.ts';
import { writePage } from './document-page.ts';
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
    .option('--html <file>', 'also write its printable page to this file')
    .description('print a credit note')
    .addHelpText(
      'after',
      examples('meterline credit-note show INV-000001-CN1', 'meterline credit-note show INV-000001-CN1 --html note.html'),
    )
    .action(async (name: string, { html }: { html?: string }) => {
      const session = await open();
      const { client, terminal, show } = session;
      const path = route`/v1/credit-notes/${await creditNoteId(client, name)}`;
      const document = (await client.get(path)) as InvoiceDocument;
      show(document, () => creditNoteText(document, terminal));
      await writePage(session, path, html);
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
