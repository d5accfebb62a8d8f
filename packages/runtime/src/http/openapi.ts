import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { PROBLEM_MEDIA_TYPE } from './problem.ts';

const DETAIL_SCHEMA = {
  type: 'object',
  required: ['path', 'message'],
  properties: { path: { type: 'string' }, message: { type: 'string' } },
} as const;

const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'RFC 9457 problem details',
  required: ['type', 'title', 'status', 'code', 'detail', 'errors'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Stable: act on this, not on the text' },
    detail: { type: 'string' },
    errors: { type: 'array', items: DETAIL_SCHEMA },
  },
} as const;

const PROBLEM_RESPONSE = {
  description: 'What is wrong, with every fault found',
  content: { [PROBLEM_MEDIA_TYPE]: { schema: PROBLEM_SCHEMA } },
};

/** OpenAPI 3.1 from the routes' zod schemas; every route also documents its problem answer and the scope its key needs. */
export function openapiOptions(info: { readonly title: string; readonly version: string }): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: { title: info.title, version: info.version },
      components: {
        securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'API key mk_<env>_<id>_<secret>' } },
      },
      security: [{ apiKey: [] }],
    },
    transform: (document) => {
      const { schema, url } = jsonSchemaTransform({ ...document, schema: document.schema ?? {} });
      const scope = document.route.config?.scope;
      if (schema.hide === true) return { schema, url };
      const response = { ...(typeof schema.response === 'object' ? schema.response : {}), default: PROBLEM_RESPONSE };
      const access =
        scope === 'public'
          ? { security: [] }
          : { description: [schema.description, `Scope: ${scope}.`].filter(Boolean).join('\n\n') };
      return { schema: { ...schema, ...access, response }, url };
    },
  };
}
