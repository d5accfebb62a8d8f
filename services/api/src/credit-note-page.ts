import { CREDIT_REASONS, type CreditNoteTerms, daysTold, dayTold, type InvoiceDocument } from '@meterline/domain/invoices';
import { markup, type Markup, page, partyRows } from './page.ts';

/** A credit note as a page to read and print. Throws for any other document. */
export function creditNotePage(document: InvoiceDocument): string {
  const { number, period, currency, creditNote, prepaid } = document;
  if (creditNote === undefined) throw new Error(`${number} is no credit note`);
  const content = markup`<dl>
      ${partyRows(document)}
      <dt>Gives back from</dt>
      <dd>${creditNote.invoice}, ${daysTold(document, period)}</dd>
      <dt>Because</dt>
      <dd>${CREDIT_REASONS[creditNote.reason]}</dd>
      <dt>Currency</dt>
      <dd>${currency}</dd>
    </dl>
    <table>
      <thead>
        <tr>
          <th>Position</th>
          <th class="number">Whole</th>
          <th class="number">Not used</th>
          <th class="number">Amount</th>
        </tr>
      </thead>
      ${creditNote.lines.map(lineRow)}
      ${(prepaid?.credits ?? []).map(
        ({ name, amount }) =>
          markup`<tbody>
            <tr>
              <td colspan="3">Back to ${name}</td>
              <td class="number">${amount}</td>
            </tr>
          </tbody>`,
      )}
      <tfoot>
        <tr>
          <td colspan="3">${creditNote.treatment === 'refund' ? 'To be paid back' : 'Credited'}</td>
          <td class="number">${creditNote.amount} ${currency}</td>
        </tr>
      </tfoot>
    </table>
    <footer>
      ${creditNote.grant === null ? '' : `The grant ${creditNote.grant} pays next invoices with it. `}Issued ${document.issuedAt}.
      ${document.id}
    </footer>`;
  return page(`Credit note ${number}`, dayTold(document, document.issuedAt), content);
}

function lineRow({ name, baseAmount, unused, inPeriod, unit, amount }: CreditNoteTerms['lines'][number]): Markup {
  return markup`<tbody>
    <tr>
      <td>${name}</td>
      <td class="number">${baseAmount ?? ''}</td>
      <td class="number">${unused} of ${inPeriod} ${unit}s</td>
      <td class="number">${amount}</td>
    </tr>
  </tbody>`;
}
