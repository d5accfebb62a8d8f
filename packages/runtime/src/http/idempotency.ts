import { createHash } from 'node:crypto';
import { Fault } from '@meterline/domain/faults';
import type { Clock, Database } from '@meterline/pipeline/ports';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpServer } from './fastify.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Honours the Idempotency-Key header: the same request sent again gets the first answer again. */
    idempotent?: boolean;
  }
}

interface StoredResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

interface Claim {
  readonly tenant: string;
  readonly key: string;
  /** RFC 3339: tells our claim from one that took over after it. */
  readonly claimedAt: string;
}

type KeyRow = { request_hash: string; response: StoredResponse | null; created_at: string };

/** A claim without an answer for this long belonged to a process that died. */
const CLAIM_TIMEOUT_MS = 60_000;
/** How long an answer is kept. */
const ANSWER_KEPT_MS = 24 * 3_600_000;
const CLAIMS_PER_CLEANING = 256;

/**
 * Adds `Idempotency-Key` to routes with `config.idempotent`: the first request runs, and its answer (2xx, 4xx) is kept for a day and
 * given again to the same request (`Idempotent-Replayed: true`). Another body is `idempotency.key_reused`, a request still running
 * `idempotency.in_progress`. 5xx and 429 free the key.
 */
export function addIdempotency(server: HttpServer, ports: { readonly database: Database; readonly clock: Clock }): void {
  const claims = new WeakMap<FastifyRequest, Claim>();
  let claimsCount = 0;

  server.addHook('preValidation', async (request, reply) => {
    const key = idempotencyKey(request);
    if (key === undefined) return;
    const claim = { tenant: request.principal.tenant, key, claimedAt: new Date(ports.clock.nowMs()).toISOString() };
    if (claimsCount++ % CLAIMS_PER_CLEANING === 0) await forgetOld(ports.database, ports.clock.nowMs());
    const stored = await claimKey(ports.database, claim, requestHash(request), ports.clock.nowMs());
    if (stored) return replay(reply, stored);
    claims.set(request, claim);
    return undefined;
  });

  server.addHook('onSend', async (request, reply, payload) => {
    const claim = claims.get(request);
    if (!claim) return payload;
    claims.delete(request);
    const keep = reply.statusCode < 500 && reply.statusCode !== 429 && typeof payload === 'string';
    try {
      if (keep) {
        const contentType = String(reply.getHeader('content-type') ?? 'application/json');
        await storeAnswer(ports.database, claim, { status: reply.statusCode, contentType, body: payload });
      } else await freeKey(ports.database, claim);
    } catch (error) {
      // The work is done and its answer true: the client gets it, only a repeat would not be recognised.
      request.log.error({ err: error }, 'could not keep the answer of an idempotent request');
    }
    return payload;
  });
}

function idempotencyKey(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined || request.is404 || request.routeOptions.config.idempotent !== true) return undefined;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new Fault(
    'invalid',
    'idempotency.invalid_key',
    'Idempotency-Key must be 1 to 255 printable ASCII characters without spaces.',
  );
}

function requestHash(request: FastifyRequest): string {
  const content = JSON.stringify([request.method, request.url, request.body ?? null]);
  return createHash('sha256').update(content).digest('hex');
}

function replay(reply: FastifyReply, stored: StoredResponse): FastifyReply {
  return reply
    .code(stored.status)
    .header('idempotent-replayed', 'true')
    .type(stored.contentType)
    .serializer(String)
    .send(stored.body);
}

/** Claims the key for us (undefined), or finds the answer that was already given. */
async function claimKey(database: Database, claim: Claim, hash: string, nowMs: number): Promise<StoredResponse | undefined> {
  const values = [claim.tenant, claim.key, hash, claim.claimedAt];
  const claimed = await database.query(
    'insert into idempotency_key (tenant, key, request_hash, created_at) values ($1, $2, $3, $4) on conflict do nothing returning key',
    values,
  );
  if (claimed.length > 0) return undefined;
  const [row] = await database.query<KeyRow>(
    'select request_hash, response, created_at from idempotency_key where tenant = $1 and key = $2',
    [claim.tenant, claim.key],
  );
  if (row && row.request_hash !== hash) {
    throw new Fault('conflict', 'idempotency.key_reused', 'This Idempotency-Key was used for another request.');
  }
  if (row?.response) return row.response;
  if (row && Date.parse(row.created_at) + CLAIM_TIMEOUT_MS <= nowMs) {
    const takenOver = await database.query(
      'update idempotency_key set created_at = $3 where tenant = $1 and key = $2 and response is null and created_at = $4 returning key',
      [claim.tenant, claim.key, claim.claimedAt, row.created_at],
    );
    if (takenOver.length > 0) return undefined;
  }
  throw new Fault(
    'conflict',
    'idempotency.in_progress',
    'The first request with this Idempotency-Key is still running; try again soon.',
    {
      retryAfterSeconds: 1,
    },
  );
}

async function storeAnswer(database: Database, claim: Claim, answer: StoredResponse): Promise<void> {
  await database.query('update idempotency_key set response = $4::jsonb where tenant = $1 and key = $2 and created_at = $3', [
    claim.tenant,
    claim.key,
    claim.claimedAt,
    JSON.stringify(answer),
  ]);
}

async function freeKey(database: Database, claim: Claim): Promise<void> {
  await database.query('delete from idempotency_key where tenant = $1 and key = $2 and created_at = $3 and response is null', [
    claim.tenant,
    claim.key,
    claim.claimedAt,
  ]);
}

async function forgetOld(database: Database, nowMs: number): Promise<void> {
  await database.query('delete from idempotency_key where created_at < $1', [new Date(nowMs - ANSWER_KEPT_MS).toISOString()]);
}
