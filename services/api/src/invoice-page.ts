import type { CommitmentSettlement } from '@meterline/domain/commitments';
import {
  billedDays,
  daysTold,
  dayTold,
  type InterimTerms,
  type InvoiceDocument,
  type InvoiceLine,
  untilTold,
} from '@meterline/domain/invoices';
import type { PrepaidStatement } from '@meterline/domain/prepaid';
import type { RatedLine } from '@meterline/domain/rating';
import { type Markup, markup, page, partyRows } from './page.ts';

/** An invoice as a page to read and print. */
export function invoicePage(invoice: InvoiceDocument): string {
  const { number, period, currency, lines, interim, total } = invoice;
  const content = markup`<dl>
      ${partyRows(invoice)}
      <dt>Billing period</dt>
      <dd>${daysTold(invoice, period)} (${billedDays(period)})</dd>
      ${interim === undefined ? '' : interimTerms(invoice, interim)}
      <dt>Currency</dt>
      <dd>${currency}</dd>
    </dl>
    <table>
      <thead>
        <tr>
          <th>Position</th>
          <th class="number">Quantity</th>
          <th class="number">Unit price</th>
          <th class="number">Amount</th>
        </tr>
      </thead>
      ${lines.map(lineRows)} ${billedRows(invoice)} ${interimRows(invoice)} ${adjustmentRows(invoice)}
      ${(invoice.commitments ?? []).filter((each) => each.lines.length > 0).map((each) => commitmentRows(invoice, each))}
      ${invoice.prepaid === undefined ? '' : prepaidRows(invoice.prepaid)}
      <tfoot>
        <tr>
          <td colspan="3">Total</td>
          <td class="number">${total} ${currency}</td>
        </tr>
      </tfoot>
    </table>
    <footer>
      ${basis(invoice)}
      and issued ${invoice.issuedAt}.
      ${invoice.id}
    </footer>`;
  return page(`Invoice ${number}`, dayTold(invoice, invoice.issuedAt), content);
}

function interimTerms(invoice: InvoiceDocument, interim: InterimTerms): Markup {
  const { part, usageTo, threshold, reached = '' } = interim;
  const before = [...new Set((invoice.billedOnInterims ?? []).map((each) => each.invoice))];
  return markup`<dt>Interim invoice</dt>
    <dd>
      Number ${part} of this period: the usage from ${dayTold(invoice, invoice.period.from)} to
      ${untilTold(invoice, usageTo)}${before.length === 0 ? '' : `, less what was billed before on ${before.join(', ')}`}${
        threshold === undefined
          ? ''
          : `, as the threshold of ${threshold} ${invoice.currency} was reached: ${reached} are owed for the period so far`
      }
    </dd>`;
}

/** What interim invoices billed of the lines before, and what this one does not give back. */
function interimRows({ billedOnInterims = [], interim }: InvoiceDocument): Markup {
  const held = interim?.heldBack ?? [];
  if (billedOnInterims.length + held.length === 0) return markup``;
  return markup`<tbody>
    <tr>
      <th colspan="4">Billed within the period</th>
    </tr>
    ${billedOnInterims.map(
      ({ invoice, name, amount }) =>
        markup`<tr>
            <td colspan="3">${name} (${invoice})</td>
            <td class="number">-${amount}</td>
          </tr>`,
    )}
    ${held.map(
      ({ name, amount }) =>
        markup`<tr>
            <td colspan="3">${name}: billed too much so far, settled when the period ends</td>
            <td class="number">${amount}</td>
          </tr>`,
    )}
  </tbody>`;
}

function basis({ kind, cut }: InvoiceDocument): string {
  if (kind === 'advance' || kind === 'fee') return 'In advance, before anything is used,';
  return `Computed from the event log up to offset ${cut.join(', ')} per partition`;
}

function lineRows(line: InvoiceLine): Markup {
  return markup`<tbody>
    <tr>
      <td>${line.name}</td>
      <td class="number">${line.meter === null ? '' : line.quantity}</td>
      <td></td>
      <td class="number">${line.amount}</td>
    </tr>
    ${line.explanation.map(stepRow)}
  </tbody>`;
}

function stepRow({ description, quantity, unitAmount, amount }: RatedLine): Markup {
  return markup`<tr class="step">
    <td>${description}</td>
    <td class="number">${quantity ?? ''}</td>
    <td class="number">${unitAmount ?? ''}</td>
    <td class="number">${amount}</td>
  </tr>`;
}

function billedRows({ billedInAdvance = [] }: InvoiceDocument): Markup {
  if (billedInAdvance.length === 0) return markup``;
  return markup`<tbody>
    <tr>
      <th colspan="4">Billed in advance</th>
    </tr>
    ${billedInAdvance.map(
      ({ invoice, name, amount, kept }) =>
        markup`<tr>
            <td colspan="3">${name} (${invoice}${kept === undefined ? '' : `, ${kept} of it for time that was not used`})</td>
            <td class="number">${amount.startsWith('-') ? amount.slice(1) : `-${amount}`}</td>
          </tr>`,
    )}
  </tbody>`;
}

function adjustmentRows(invoice: InvoiceDocument): Markup {
  const { adjustments } = invoice;
  if (adjustments.length === 0) return markup``;
  return markup`<tbody>
    <tr>
      <th colspan="4">Late usage of earlier periods</th>
    </tr>
    ${adjustments.map(
      (each) =>
        markup`<tr>
            <td>${each.name}, from ${dayTold(invoice, each.period.from)} (${each.invoice})</td>
            <td class="number">${each.quantity}</td>
            <td></td>
            <td class="number">${each.amount}</td>
          </tr>
          <tr class="step">
            <td colspan="4">
              ${each.ratedAmount} for the usage known now, less ${each.billedAmount} invoiced before${
                each.carriedOver === undefined ? '' : `; ${each.carriedOver} of its allowance left now`
              }
            </td>
          </tr>`,
    )}
  </tbody>`;
}

function commitmentRows(invoice: InvoiceDocument, { term, lines, remaining }: CommitmentSettlement): Markup {
  return markup`<tbody>
    <tr>
      <th colspan="4">Committed spend, ${daysTold(invoice, term)}</th>
    </tr>
    ${lines.map(
      ({ description, amount }) =>
        markup`<tr>
          <td colspan="3">${description}</td>
          <td class="number">${amount}</td>
        </tr>`,
    )}
    ${remaining === null ? '' : markup`<tr class="step"><td colspan="4">${remaining} of it remain</td></tr>`}
  </tbody>`;
}

function prepaidRows({ units, credits }: PrepaidStatement): Markup {
  if (units.length + credits.length === 0) return markup``;
  const why = (line: string, adjusts: string | null) => (adjusts === null ? line : `${line} of ${adjusts}`);
  return markup`<tbody>
    <tr>
      <th colspan="4">Prepaid</th>
    </tr>
    ${units.map(
      ({ name, line, adjusts, quantity, units: taken }) =>
        markup`<tr class="step">
            <td>${name}: ${taken} for ${why(line, adjusts)}</td>
            <td class="number">${quantity}</td>
            <td></td>
            <td></td>
          </tr>`,
    )}
    ${credits.map(
      ({ name, line, adjusts, amount }) =>
        markup`<tr>
            <td>${name} for ${why(line, adjusts)}</td>
            <td></td>
            <td></td>
            <td class="number">${amount.startsWith('-') ? amount.slice(1) : `-${amount}`}</td>
          </tr>`,
    )}
  </tbody>`;
}
