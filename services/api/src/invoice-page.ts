import type { CommitmentSettlement } from '@meterline/domain/commitments';
import {
  billedDays,
  type InterimTerms,
  type InvoiceAdjustment,
  type InvoiceDocument,
  type InvoiceLine,
} from '@meterline/domain/invoices';
import type { PrepaidStatement } from '@meterline/domain/prepaid';
import type { RatedLine } from '@meterline/domain/rating';

/** Markup whose values are escaped. Only `markup` makes it. */
class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Content = string | number | Markup | readonly Markup[];

/** Every value that is not markup itself is text, whatever it holds. */
function markup(strings: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(strings.map((part, index) => part + (index < values.length ? rendered(values[index] ?? '') : '')).join(''));
}

function rendered(value: Content): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map((each) => each.text).join('');
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export const INVOICE_STYLE = `
@page { size: A4; margin: 18mm 16mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 50rem; padding: 2.5rem 2rem; color: #1b1f24; font: 15px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
header { display: flex; justify-content: space-between; gap: 2rem; align-items: baseline; border-bottom: 2px solid #1b1f24; padding-bottom: 1rem; }
h1 { margin: 0; font-size: 1.6rem; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .5rem; font-size: 1.05rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.5rem; margin: 1.25rem 0 2rem; }
dt { color: #57606a; }
dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 600; border-bottom: 1px solid #1b1f24; padding: .35rem .5rem; }
td { padding: .45rem .5rem; vertical-align: top; }
tbody { border-bottom: 1px solid #d0d7de; break-inside: avoid; }
tr.step td { color: #57606a; font-size: .85rem; padding-top: 0; }
tr.step td:first-child { padding-left: 1.5rem; }
.number { text-align: right; white-space: nowrap; }
tfoot td { font-weight: 700; font-size: 1.15rem; padding-top: .9rem; }
footer { margin-top: 2.5rem; color: #57606a; font-size: .8rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  body { padding: 1.25rem 1rem; font-size: 14px; }
  th, td { padding-left: .25rem; padding-right: .25rem; }
  td:first-child { overflow-wrap: anywhere; }
  .number { white-space: normal; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
}
@media print { body { padding: 0; max-width: none; font-size: 10.5pt; } }
`;

/** An invoice as a page to read and print: A4, no script, nothing fetched. */
export function invoicePage(invoice: InvoiceDocument): string {
  const { number, customer, period, currency, lines, adjustments, interim, total } = invoice;
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Invoice ${number}</title>
        <style>${new Markup(INVOICE_STYLE)}</style>
      </head>
      <body>
        <header>
          <h1>Invoice ${number}</h1>
          <div>${invoice.issuedAt.slice(0, 10)}</div>
        </header>
        <dl>
          <dt>Customer</dt>
          <dd>${customer.name} (${customer.key})</dd>
          <dt>Plan</dt>
          <dd>${invoice.plan}, version ${invoice.planVersion}${invoice.phase ? `, ${invoice.phase.name}` : ''}</dd>
          <dt>Subscription</dt>
          <dd>${invoice.subscription}</dd>
          <dt>Billing period</dt>
          <dd>${period.from} up to ${period.to} (${billedDays(period)})</dd>
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
          ${lines.map(lineRows)} ${billedRows(invoice)} ${interimRows(invoice)} ${adjustments.length === 0 ? '' : adjustmentRows(adjustments)}
          ${(invoice.commitments ?? []).filter(({ lines }) => lines.length > 0).map(commitmentRows)}
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
        </footer>
      </body>
    </html>`.text;
}

function interimTerms({ period, billedOnInterims = [], currency }: InvoiceDocument, interim: InterimTerms): Markup {
  const { part, usageTo, threshold, reached = '' } = interim;
  const before = [...new Set(billedOnInterims.map(({ invoice }) => invoice))];
  return markup`<dt>Interim invoice</dt>
    <dd>
      Number ${part} of this period: the usage from ${period.from} up to ${usageTo}, less what was billed
      before${before.length === 0 ? '' : ` on ${before.join(', ')}`}${
        threshold === undefined ? '' : `, as the threshold of ${threshold} ${currency} was reached: ${reached} are owed for them`
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

function adjustmentRows(adjustments: readonly InvoiceAdjustment[]): Markup {
  return markup`<tbody>
    <tr>
      <th colspan="4">Late usage of earlier periods</th>
    </tr>
    ${adjustments.map(
      (each) =>
        markup`<tr>
            <td>${each.name}, ${each.period.from.slice(0, 10)} (${each.invoice})</td>
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

function commitmentRows({ term, lines, remaining }: CommitmentSettlement): Markup {
  return markup`<tbody>
    <tr>
      <th colspan="4">Committed spend, ${term.from.slice(0, 10)} up to ${term.to.slice(0, 10)}</th>
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
