import { Fault } from '@meterline/domain/faults';
import type { FastifyRequest } from 'fastify';
import type { HttpServer } from './fastify.ts';

export type KeyScope = 'ingest' | 'read' | 'admin';
export type RouteScope = KeyScope | 'public';

/** Who is calling. The tenant of every query comes from here, never from input. */
export interface Principal {
  readonly tenant: string;
  readonly keyId: string;
  readonly scopes: ReadonlySet<KeyScope>;
}

/** Resolves to undefined for an unknown key; may throw a Fault of kind `unauthorized` that says more (expired). */
export type Authenticate = (bearerToken: string) => Promise<Principal | undefined>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which scope a key needs for this route (`admin` has them all); `public` asks for no key. */
    scope?: RouteScope;
  }
  interface FastifyRequest {
    /** Reading it on a public route throws: there is none. */
    readonly principal: Principal;
  }
}

const principals = new WeakMap<FastifyRequest, Principal>();

export function addAuthentication(server: HttpServer, authenticate: Authenticate, publicPrefixes: readonly string[]): void {
  server.decorateRequest('principal', {
    getter(this: FastifyRequest): Principal {
      const principal = principals.get(this);
      if (!principal) throw new Error(`${this.url}: a public route has no principal`);
      return principal;
    },
  });

  server.addHook('onRoute', (route) => {
    const isPublic = publicPrefixes.some((prefix) => route.url === prefix || route.url.startsWith(`${prefix}/`));
    if (isPublic) route.config = { ...route.config, scope: 'public' };
    if (!route.config?.scope) throw new Error(`route ${String(route.method)} ${route.url} does not state config.scope`);
  });

  server.addHook('onRequest', async (request) => {
    const scope = request.routeOptions.config.scope;
    if (request.is404 || scope === 'public' || scope === undefined) return;
    const principal = await authenticate(bearerToken(request.headers.authorization));
    if (!principal) throw new Fault('unauthorized', 'auth.unknown_key', 'This API key is not known.');
    if (!principal.scopes.has(scope) && !principal.scopes.has('admin')) {
      throw new Fault('forbidden', 'auth.missing_scope', `This API key does not have the scope "${scope}".`);
    }
    principals.set(request, principal);
  });
}

function bearerToken(header: string | undefined): string {
  if (header === undefined || header === '') {
    throw new Fault('unauthorized', 'auth.missing_key', 'Send your API key as "Authorization: Bearer <key>".');
  }
  const token = /^Bearer +(\S+) *$/i.exec(header)?.[1];
  if (token === undefined)
    throw new Fault('unauthorized', 'auth.malformed_header', 'The Authorization header must be "Bearer <key>".');
  return token;
}
