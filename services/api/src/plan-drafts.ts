import { type PlanDraftCatalog, planDraftSchema } from '@meterline/pipeline/catalog';
import type { HttpServer } from '@meterline/runtime/http';
import { noBody } from './fields.ts';
import { planSchema, showPlan, showVersion, versionSchema } from './plans.ts';
import { versionKey, versionParams } from './price-changes.ts';

/** `/v1/plans/{key}/versions/{version}`: one version of a plan, and what can be done to it. */
export function planDraftRoutes(server: HttpServer, drafts: PlanDraftCatalog): void {
  const tags = ['Plans'];
  const version = '/v1/plans/:key/versions/:version';

  server.get(
    version,
    {
      config: { scope: 'read' },
      schema: { summary: 'Read a version of a plan', tags, params: versionParams, response: { 200: versionSchema } },
    },
    async ({ params, principal }) => showVersion(await drafts.version(versionKey(params), principal.tenant)),
  );

  server.put(
    version,
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Change a draft',
        description: 'Puts all of it in place of what it was. A published version never changes.',
        tags,
        params: versionParams,
        body: planDraftSchema,
        response: { 200: planSchema },
      },
    },
    async ({ params, body, principal }) => showPlan(await drafts.update(versionKey(params), body, principal.tenant)),
  );

  server.post(
    `${version}/publish`,
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Publish a draft: new subscriptions get it from here on',
        tags,
        params: versionParams,
        body: noBody,
        response: { 200: planSchema },
      },
    },
    async ({ params, principal }) => showPlan(await drafts.publish(versionKey(params), principal.tenant)),
  );

  server.post(
    `${version}/archive`,
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Close a version to new subscriptions, or discard a draft',
        description: 'New subscriptions get the newest published version that is left. Subscriptions that exist keep theirs.',
        tags,
        params: versionParams,
        body: noBody,
        response: { 200: versionSchema },
      },
    },
    async ({ params, principal }) => showVersion(await drafts.archive(versionKey(params), principal.tenant)),
  );
}
