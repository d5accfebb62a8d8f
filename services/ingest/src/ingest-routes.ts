import { EVENT_MEDIA_TYPES, EVENT_ROUTES } from '@meterline/composition/event-contract';
import { Fault } from '@meterline/domain/faults';
import type { Clock, EventLog, RateLimiter } from '@meterline/pipeline/ports';
import type { IngestSettings } from '@meterline/runtime/config';
import type { HttpRequest, HttpServer } from '@meterline/runtime/http';
import type { Metrics } from '@meterline/runtime/metrics';
import { judgeEvents, type Judged, type RejectedEvent, type Rejection } from './accept.ts';
import { createAdmission, type Admitted } from './admission.ts';
import { appendRecords, type NewRecord } from './append.ts';
import { answerHeaders, preflightHeaders } from './cors.ts';
import { replacementOf, sourceOfEvent, voidRecord } from './corrections.ts';
import type { CheckedEvent } from './event-check.ts';
import { ingestRates, localRateLimiter } from './rate-limits.ts';
import { checkEncoding, readEvents, unpack, type ReadEvents } from './request-body.ts';

export interface IngestOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  /** How much the tenant's time is ahead of the clock's (behind, if negative). Default: not at all. */
  readonly aheadMs?: (tenant: string) => number | Promise<number>;
  readonly limits: IngestSettings;
  readonly metrics: Metrics;
  /** Sources under which the tenant sent this event id. */
  readonly sourcesOf: (tenant: string, id: string) => Promise<readonly string[]>;
  /** Events in the log that are not counted yet. */
  readonly lagEvents?: () => number;
  /** Rate limits of tenants. Default: those of `limits`, counted in this process alone. */
  readonly rates?: RateLimiter | undefined;
  /** Web pages of these origins may send events. Default none. */
  readonly corsOrigins?: readonly string[];
  /** May refuse an event for reasons beyond its form. Called for every event: must be quick. */
  readonly screen?: (tenant: string, event: CheckedEvent) => Rejection | undefined;
}

/** What the body parser makes of a request with events. */
interface EventsBody extends ReadEvents {
  readonly bytes: number;
}

/**
 * `POST /v1/events` and the corrections `/v1/events/{id}/void` and `/v1/events/{id}/replace`. Each answers 202 only after the log has
 * the records durably. Of a batch the good events are stored and the bad ones listed; if none is good the answer is a 400 problem.
 */
export function ingestRoutes(server: HttpServer, options: IngestOptions): void {
  const { log, clock, limits, metrics, corsOrigins = [] } = options;
  const screen = options.screen ?? (() => undefined);
  const aheadOf = options.aheadMs ?? (() => 0);
  const decisions = metrics.counter('ingest_rate_decisions_total', 'Requests held against the rate limit of their tenant', [
    'scope',
  ]);
  const ownRates = ingestRates(limits);
  const admission = createAdmission(limits, {
    lagEvents: options.lagEvents ?? (() => 0),
    rates: options.rates ?? (ownRates && localRateLimiter(ownRates, clock)),
    onDecision: ({ scope }) => decisions.inc({ scope }),
  });
  const admitted = new WeakMap<HttpRequest, Admitted>();
  const eventsTotal = metrics.counter('ingest_events_total', 'Events received', ['outcome']);
  const bytesTotal = metrics.counter('ingest_bytes_total', 'Bytes of events stored');
  metrics.gauge('ingest_in_flight_requests', 'Ingest requests being served', { collect: () => admission.inFlight.requests });
  metrics.gauge('ingest_in_flight_bytes', 'Bytes of ingest requests being served', { collect: () => admission.inFlight.bytes });

  function judge(request: HttpRequest, events: readonly unknown[], aheadMs: number): Judged {
    const { tenant } = request.principal;
    const nowMs = clock.nowMs() + aheadMs;
    const judged = judgeEvents(events, {
      window: { earliestMs: nowMs - limits.acceptPastMs, latestMs: nowMs + limits.acceptFutureMs },
      eventBytesMax: limits.eventBytesMax,
      screen: (event) => screen(tenant, event),
    });
    eventsTotal.inc({ outcome: 'rejected' }, judged.rejected.length);
    return judged;
  }

  async function store(
    request: HttpRequest,
    records: readonly NewRecord[],
    { bytes, aheadMs }: { readonly bytes: number; readonly aheadMs: number },
  ): Promise<void> {
    const { tenant } = request.principal;
    await admission.spend(tenant, records.length, bytes);
    const appendedAtMs = clock.nowMs();
    try {
      await appendRecords(log, tenant, { appendedAtMs, receivedAtMs: appendedAtMs + aheadMs }, records);
    } catch (error) {
      request.log.error(
        { err: error instanceof Error && error.cause ? error.cause : error },
        'could not append to the event log',
      );
      throw error;
    }
    eventsTotal.inc({ outcome: 'accepted' }, records.length);
    bytesTotal.inc(bytes);
  }

  // An encapsulated context, because these routes have body parsers and limits of their own.
  void server.register(async (scope: HttpServer) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      Object.values(EVENT_MEDIA_TYPES),
      { parseAs: 'buffer', bodyLimit: limits.requestBytesMax },
      async (request: HttpRequest, packed: Buffer): Promise<EventsBody> => {
        const body = await unpack(packed, request.headers['content-encoding'], limits.requestBytesMax);
        admitted.get(request)?.grow(body.length - packed.length);
        return { ...readEvents(body, mediaTypeOf(request)), bytes: body.length };
      },
    );
    scope.addHook('preParsing', async (request, reply, payload) => {
      checkEncoding(request.headers['content-encoding']);
      const room = admission.enter(Number(request.headers['content-length'] ?? limits.requestBytesMax));
      admitted.set(request, room);
      reply.raw.once('close', room.release);
      // The client may have gone while its key was looked up; then nothing will tell again.
      if (request.raw.destroyed || reply.raw.closed) room.release();
      return payload;
    });

    scope.post(
      EVENT_ROUTES.send.url,
      {
        config: { scope: 'ingest' },
        bodyLimit: limits.requestBytesMax,
        // Not onRequest: authentication refuses before it, and the page should learn that too.
        onSend: async (request, reply) => void reply.headers(answerHeaders(corsOrigins, request.headers.origin)),
        schema: EVENT_ROUTES.send.schema,
      },
      async (request, reply) => {
        const { events, isSingle, bytes } = eventsIn(request.body);
        if (events.length === 0) throw new Fault('invalid', 'request.no_events', 'The body has no events.');
        if (events.length > limits.eventsMax) {
          throw new Fault(
            'too_large',
            'request.too_many_events',
            `The body has ${events.length} events, at most ${limits.eventsMax} are allowed.`,
          );
        }
        const aheadMs = await aheadOf(request.principal.tenant);
        const { accepted, rejected, bytes: storedBytes } = judge(request, events, aheadMs);
        if (accepted.length === 0) throw noneAccepted(rejected, isSingle);
        const records = accepted.map(({ event, value }) => ({
          kind: 'event' as const,
          source: event.source,
          id: event.id,
          value,
        }));
        await store(request, records, { bytes: Math.max(bytes, storedBytes), aheadMs });
        return reply.code(202).send({ accepted: accepted.length, rejected: rejected.map(resultOf) });
      },
    );

    scope.post(
      EVENT_ROUTES.replace.url,
      { config: { scope: 'ingest' }, bodyLimit: limits.requestBytesMax, schema: EVENT_ROUTES.replace.schema },
      async (request, reply) => {
        const { id } = request.params;
        const replacement = await replacementOf(id, eventsIn(request.body), () =>
          options.sourcesOf(request.principal.tenant, id),
        );
        const aheadMs = await aheadOf(request.principal.tenant);
        const { accepted, rejected, bytes } = judge(request, [replacement], aheadMs);
        const [first] = accepted;
        if (!first) throw noneAccepted(rejected, true);
        await store(request, [{ kind: 'replace', source: first.event.source, id, value: first.value }], { bytes, aheadMs });
        return reply.code(202).send({ id, source: first.event.source });
      },
    );
  });

  if (corsOrigins.length > 0) {
    server.options('/v1/events', { config: { scope: 'public' }, schema: { hide: true } }, async (request, reply) =>
      reply.code(204).headers(preflightHeaders(corsOrigins, request.headers.origin)).send(),
    );
  }

  server.post(
    EVENT_ROUTES.void.url,
    { config: { scope: 'ingest' }, schema: EVENT_ROUTES.void.schema },
    async (request, reply) => {
      const { id } = request.params;
      const source = await sourceOfEvent(id, request.body?.source, () => options.sourcesOf(request.principal.tenant, id));
      const record = voidRecord(id, source);
      const aheadMs = await aheadOf(request.principal.tenant);
      const room = admission.enter(record.value.length);
      try {
        await store(request, [record], { bytes: record.value.length, aheadMs });
      } finally {
        room.release();
      }
      return reply.code(202).send({ id, source });
    },
  );
}

function mediaTypeOf(request: HttpRequest): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** The body parser of these routes has made it; without a body and a content type there was nothing to parse. */
function eventsIn(body: unknown): EventsBody {
  return (body as EventsBody | undefined | null) ?? { isSingle: false, events: [], bytes: 0 };
}

function resultOf({ index, id, faults }: RejectedEvent) {
  return { index, id, code: faults[0].code, message: faults.map((fault) => fault.message).join('; ') };
}

/** Nothing was stored: a problem with every fault of every event. One event gives its own code. */
function noneAccepted(rejected: readonly RejectedEvent[], isSingle: boolean): Fault {
  const errors = rejected.flatMap(({ index, id, faults }) =>
    faults.map(({ code, path, message }) => ({
      path: isSingle ? path : [`[${index}]`, path].filter(Boolean).join('.'),
      message,
      code,
      index,
      id,
    })),
  );
  const [first] = errors;
  if (isSingle && first) return new Fault('invalid', first.code, `The event was refused: ${first.message}.`, { errors });
  return new Fault('invalid', 'request.no_valid_event', 'None of the events could be accepted.', { errors });
}
