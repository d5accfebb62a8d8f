import { UNUSED_TIME } from '@meterline/domain/invoices';
import { Fault } from '@meterline/domain/faults';
import { keySchema } from '@meterline/pipeline/catalog';
import { parseInvoice } from '@meterline/pipeline/invoices';
import type { InvoiceStore, StoredInvoice } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { creditNotePage } from './credit-note-page.ts';
import { idParams, instantAnswer } from './fields.ts';
import { askedDocument, sendPage } from './page.ts';
import { pageAnswer, pageRequest } from './paging.ts';
import { periodSchema } from './spend.ts';

const creditNoteSchema = z.object({
  id: z.string(),
  number: z.string(),
  invoice: z.string().describe('Number of the invoice that it gives back from'),
  customer: z.string(),
  subscription: z.string(),
  plan: z.string(),
  period: periodSchema.describe('That the invoice was for'),
  reason: z.enum(['subscription_ended', 'subscription_changed']),
  treatment: z
    .enum(UNUSED_TIME)
    .exclude(['none'])
    .describe('`credit`: a grant pays next invoices with it; `refund`: it is to be paid back'),
  currency: z.string(),
  amount: z.string().describe('What is credited or to be paid back'),
  grant: z.string().nullable().describe('Key of the grant; null for a refund'),
  issuedAt: instantAnswer,
});

function showSummary(stored: StoredInvoice): z.input<typeof creditNoteSchema> {
  const { id, number, customer, subscription, plan, period, currency, issuedAt, creditNote } = parseInvoice(stored);
  if (creditNote === undefined) throw new Error(`${number} is no credit note`);
  const { invoice, reason, treatment, amount, grant } = creditNote;
  const of = { id, number, invoice, customer: customer.key, subscription, plan, period: { from: period.from, to: period.to } };
  return { ...of, reason, treatment, currency, amount, grant, issuedAt };
}

/** `/v1/credit-notes`: what was given back of fees that were billed in advance. */
export function creditNoteRoutes(
  server: HttpServer,
  { invoices }: { readonly invoices: Pick<InvoiceStore, 'creditNotes' | 'invoice'> },
): void {
  const tags = ['Invoices'];

  server.get(
    '/v1/credit-notes',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List credit notes, newest first',
        tags,
        querystring: z.strictObject({ ...pageQuery, customer: keySchema.optional() }),
        response: { 200: pageSchema(creditNoteSchema) },
      },
    },
    async ({ query, principal }) =>
      pageAnswer(await invoices.creditNotes({ ...pageRequest(query), customer: query.customer }, principal.tenant), showSummary),
  );

  server.get(
    '/v1/credit-notes/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Read a credit note, byte for byte as issued',
        description: 'With `Accept: text/html`, or `.html` after the id, a page to print.',
        tags,
        params: idParams,
      },
    },
    async ({ params, headers, principal }, reply) => {
      const { id, asPage } = askedDocument(params.id, headers.accept);
      const stored = await invoices.invoice(id, principal.tenant);
      if (stored?.kind !== 'credit_note') {
        throw new Fault('not_found', 'credit_note.unknown', `There is no credit note "${id}".`);
      }
      reply.serializer(String).header('vary', 'accept');
      if (asPage) return sendPage(reply, creditNotePage(parseInvoice(stored)));
      return reply.type('application/json; charset=utf-8').send(stored.document);
    },
  );
}
