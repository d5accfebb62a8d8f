import { FIT_LANGUAGES, FITS } from '@meterline/domain/plan-fit';
import { planFitOf, planFitPage, type PlanFitPorts } from '@meterline/pipeline/plan-fit';
import type { TenantClock } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { encodeCursor, pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { keyParams } from './fields.ts';
import { pageRequest } from './paging.ts';
import { fitSchema, reportItemSchema, showFit, showReportItems } from './plan-fit-answer.ts';

const MONTHS = { min: 3, max: 6 };
/** Each customer is rated under every plan: a page of more would keep its caller waiting. */
const CUSTOMERS_PER_PAGE = { default: 50, max: 200 };

const monthsRule = `must be a whole number of months from ${MONTHS.min} to ${MONTHS.max}`;
const query = {
  months: z.coerce
    .number(monthsRule)
    .int(monthsRule)
    .min(MONTHS.min, monthsRule)
    .max(MONTHS.max, monthsRule)
    .default(MONTHS.max)
    .describe('Whole months to look back'),
  language: z
    .enum(FIT_LANGUAGES, `must be one of ${FIT_LANGUAGES.join(', ')}`)
    .default('en')
    .describe('Of the sentences'),
};
const limitRule = `must be a whole number from 1 to ${CUSTOMERS_PER_PAGE.max}`;
const reportQuery = z.strictObject({
  ...query,
  fits: z
    .enum(FITS, `must be one of ${FITS.join(', ')}`)
    .optional()
    .describe('Only subscriptions of which this holds'),
  cursor: pageQuery.cursor,
  limit: z.coerce
    .number(limitRule)
    .int(limitRule)
    .min(1, limitRule)
    .max(CUSTOMERS_PER_PAGE.max, limitRule)
    .default(CUSTOMERS_PER_PAGE.default)
    .describe('Customers looked at for a page; with `fits` fewer items, or none, may come of them'),
});

export interface PlanFitRoutesDeps extends PlanFitPorts {
  readonly clock: TenantClock;
}

/** `GET /v1/customers/{key}/plan-fit` and `GET /v1/plan-fit`. */
export function planFitRoutes(server: HttpServer, deps: PlanFitRoutesDeps): void {
  const tags = ['Plan fit'];
  server.get(
    '/v1/customers/:key/plan-fit',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Which plan fits a customer, by its usage of the last months',
        description:
          'Rates the last whole months under every live plan of its currency that bills by the month, before prepaid grants. ' +
          'The plan that fits is the cheapest that prices everything the subscription does and was used.',
        tags,
        params: keyParams,
        querystring: z.strictObject(query),
        response: { 200: fitSchema },
      },
    },
    async ({ params, query: { months, language }, principal }) => {
      const fit = await planFitOf(
        deps,
        params.key,
        { months, nowMs: await deps.clock.nowMs(principal.tenant) },
        principal.tenant,
      );
      return showFit(fit, months, language);
    },
  );

  server.get(
    '/v1/plan-fit',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Which plan fits each subscription of all customers',
        description: 'By customer key. A page looks at `limit` customers; go on until `nextCursor` is null.',
        tags,
        querystring: reportQuery,
        response: { 200: pageSchema(reportItemSchema) },
      },
    },
    async ({ query: { months, language, fits, ...paging }, principal }) => {
      const page = await planFitPage(
        deps,
        pageRequest(paging),
        { months, nowMs: await deps.clock.nowMs(principal.tenant) },
        principal.tenant,
      );
      const items = page.items.flatMap((fit) => showReportItems(fit, fits, language));
      return { items, nextCursor: page.nextAfter === null ? null : encodeCursor([page.nextAfter]) };
    },
  );
}
