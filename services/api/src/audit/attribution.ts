import { actingAs } from '@meterline/pipeline/audit';
import type { Clock } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';

/** Whatever the handlers of this server's routes change is recorded as done by the API key of the request. */
export function attributeChanges(server: HttpServer, clock: Pick<Clock, 'nowMs'>): void {
  // As late as can be: while a body is read the thread of calls is not the request's.
  server.addHook('preHandler', (request, _reply, done) => {
    if (request.is404 || request.routeOptions.config.scope === 'public') return done();
    return actingAs({ keyId: request.principal.keyId, requestId: request.id, clock }, done);
  });
}
