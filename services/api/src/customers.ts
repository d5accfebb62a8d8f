import { formatInstant } from '@meterline/domain/time';
import { customerChangeSchema, newCustomerSchema, type CustomerCatalog } from '@meterline/pipeline/catalog';
import type { CustomerRecord } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { instantAnswer, keyParams } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

const customerSchema = z.object({
  key: z.string(),
  name: z.string(),
  currency: z.string(),
  timezone: z.string(),
  subjects: z.array(z.string()),
  paymentMethod: z.string().nullable(),
  createdAt: instantAnswer,
});

const show = ({
  createdAtMs,
  subjects,
  negotiatedRevision: _revision,
  ...customer
}: CustomerRecord): z.input<typeof customerSchema> => ({
  ...customer,
  subjects: [...subjects],
  createdAt: formatInstant(createdAtMs),
});

export function customerRoutes(server: HttpServer, customers: CustomerCatalog): void {
  const tags = ['Customers'];

  server.post(
    '/v1/customers',
    {
      config: { scope: 'admin', idempotent: true },
      schema: { summary: 'Create a customer', tags, body: newCustomerSchema, response: { 201: customerSchema } },
    },
    async (request, reply) => reply.code(201).send(show(await customers.create(request.body, request.principal.tenant))),
  );

  server.get(
    '/v1/customers',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List customers',
        tags,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(customerSchema) },
      },
    },
    async (request) => pageAnswer(await customers.list(pageRequest(request.query), request.principal.tenant), show),
  );

  server.get(
    '/v1/customers/:key',
    {
      config: { scope: 'read' },
      schema: { summary: 'Read a customer', tags, params: keyParams, response: { 200: customerSchema } },
    },
    async (request) => show(await customers.get(request.params.key, request.principal.tenant)),
  );

  server.patch(
    '/v1/customers/:key',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Change a customer',
        tags,
        params: keyParams,
        body: customerChangeSchema,
        response: { 200: customerSchema },
      },
    },
    async (request) => show(await customers.update(request.params.key, request.body, request.principal.tenant)),
  );
}
