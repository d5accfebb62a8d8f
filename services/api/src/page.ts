import { createHash } from 'node:crypto';
import type { InvoiceDocument } from '@meterline/domain/invoices';

/** Markup whose values are escaped. Only `markup` makes it. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Content = string | number | Markup | readonly Markup[];

/** Every value that is not markup itself is text, whatever it holds. */
export function markup(strings: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(strings.map((part, index) => part + (index < values.length ? rendered(values[index] ?? '') : '')).join(''));
}

function rendered(value: Content): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map((each) => each.text).join('');
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE = `
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

// A page brings its own style and nothing else: the policy allows exactly that text, no script and no other source.
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');
const POLICY = [
  `default-src 'none'`,
  `style-src 'sha256-${STYLE_HASH}'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
].join('; ');

/** A document as a page to read and print: A4, no script, nothing fetched. */
export function page(title: string, day: string, content: Markup): string {
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>${new Markup(STYLE)}</style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <div>${day}</div>
        </header>
        ${content}
      </body>
    </html>`.text;
}

/** Whose document it is, and of which subscription: the first rows of what it states. */
export function partyRows({ customer, plan, planVersion, phase, subscription }: InvoiceDocument): Markup {
  return markup`<dt>Customer</dt>
    <dd>${customer.name} (${customer.key})</dd>
    <dt>Plan</dt>
    <dd>${plan}, version ${planVersion}${phase ? `, ${phase.name}` : ''}</dd>
    <dt>Subscription</dt>
    <dd>${subscription}</dd>`;
}

/** What was asked for of `/v1/documents/{id}`: `.html` behind the id, or `Accept: text/html`, asks for the page. */
export function askedDocument(asked: string, accept: string | undefined): { readonly id: string; readonly asPage: boolean } {
  const id = asked.replace(/\.html$/, '');
  return { id, asPage: id !== asked || /(^|,)\s*text\/html\s*($|[,;])/.test(accept ?? '') };
}

interface TypedReply {
  type(contentType: string): this;
  header(name: string, value: string): this;
  send(body: string): this;
}

/** Answers with a page. */
export function sendPage<Reply extends TypedReply>(reply: Reply, body: string): Reply {
  return reply.type('text/html; charset=utf-8').header('content-security-policy', POLICY).send(body);
}
