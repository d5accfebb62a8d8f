import { timingSafeEqual } from 'node:crypto';
import { Fault } from '@meterline/domain/faults';
import type { Clock, Database, TenantClock } from '@meterline/pipeline/ports';
import type { Authenticate, KeyScope } from '../http/index.ts';
import { hashSecret, parseApiKey } from './api-key.ts';

interface KeyRow {
  readonly tenant: string;
  readonly secret_hash: Uint8Array;
  readonly scopes: readonly KeyScope[];
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
}

/** How long a revoked key may still work in this process. */
const CACHE_MS = 3_000;
const CACHED_KEYS_MAX = 10_000;

/**
 * Authenticates API keys of table `api_key`. Unknown ids and wrong secrets resolve to undefined; a right key that was revoked or has
 * expired fails with `auth.revoked_key` or `auth.expired_key`.
 */
export function apiKeyAuthenticator(ports: {
  readonly database: Database;
  readonly clock: TenantClock;
  readonly serverClock: Clock;
}): Authenticate {
  const cache = new Map<string, { readonly row: Promise<KeyRow | undefined>; readonly untilMs: number }>();

  function lookUp(id: string, nowMs: number): Promise<KeyRow | undefined> {
    const cached = cache.get(id);
    if (cached && cached.untilMs > nowMs) return cached.row;
    cache.delete(id);
    const oldest = cache.size >= CACHED_KEYS_MAX ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
    const row = ports.database
      .query<KeyRow>('select tenant, secret_hash, scopes, expires_at, revoked_at from api_key where id = $1', [id])
      .then((rows) => rows[0]);
    cache.set(id, { row, untilMs: nowMs + CACHE_MS });
    // An outage must not be remembered; whoever waits for the row gets the error.
    row.catch(() => cache.delete(id));
    return row;
  }

  return async (bearerToken) => {
    const key = parseApiKey(bearerToken);
    if (!key) return undefined;
    const row = await lookUp(key.id, ports.serverClock.nowMs());
    if (!row || !timingSafeEqual(row.secret_hash, hashSecret(key.secret))) return undefined;
    if (row.revoked_at !== null) throw new Fault('unauthorized', 'auth.revoked_key', 'This API key was revoked.');
    if (row.expires_at !== null && Date.parse(row.expires_at) <= (await ports.clock.nowMs(row.tenant))) {
      throw new Fault('unauthorized', 'auth.expired_key', `This API key expired at ${row.expires_at}.`);
    }
    return { tenant: row.tenant, keyId: key.id, scopes: new Set(row.scopes) };
  };
}
