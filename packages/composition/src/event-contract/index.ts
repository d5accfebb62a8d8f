import { HttpFault, type HttpServer } from '@meterline/runtime/http';
import { corrected, eventIdParams, eventsBody, ingested, replacementBody, voidBody } from './schemas.ts';

export const EVENT_MEDIA_TYPES = {
  one: 'application/cloudevents+json',
  batch: 'application/cloudevents-batch+json',
  json: 'application/json',
  lines: 'application/x-ndjson',
} as const;

/** The routes by which events come in, as they are described: ingest serves them. */
export const EVENT_ROUTES = {
  send: {
    url: '/v1/events',
    schema: {
      summary: 'Send usage events',
      consumes: Object.values(EVENT_MEDIA_TYPES),
      body: eventsBody,
      response: { 202: ingested },
    },
  },
  replace: {
    url: '/v1/events/:id/replace',
    schema: {
      summary: 'Replace an event',
      consumes: [EVENT_MEDIA_TYPES.json, EVENT_MEDIA_TYPES.one],
      params: eventIdParams,
      body: replacementBody,
      response: { 202: corrected },
    },
  },
  void: {
    url: '/v1/events/:id/void',
    schema: { summary: 'Withdraw an event', params: eventIdParams, body: voidBody, response: { 202: corrected } },
  },
} as const;

/**
 * Describes these routes on a server that does not serve them, so that one OpenAPI document has all there is behind the address they share. Who calls
 * them here has passed that address by, and gets 421 `route.at_ingest`.
 */
export function describeEventRoutes(server: HttpServer): void {
  for (const { url, schema } of Object.values(EVENT_ROUTES)) {
    server.route({
      method: 'POST',
      url,
      config: { scope: 'ingest' },
      schema,
      // Before the body is read: it may be of any type.
      onRequest: async () => {
        throw new HttpFault(
          421,
          'route.at_ingest',
          'Events are taken by the ingest service: send them to the address that it shares with this API.',
        );
      },
      handler: async () => undefined,
    });
  }
}
