import { Fault } from '@meterline/domain/faults';
import { z } from 'zod';
import type { ApiKeyRecord, ApiKeyStore, Page, PageRequest, TenantClock } from '../ports/index.ts';
import { instantMs, instantSchema, nameSchema } from './fields.ts';

export const apiScopeSchema = z.enum(['ingest', 'read', 'admin']);

export const newApiKeySchema = z.strictObject({
  name: nameSchema,
  scopes: z
    .array(apiScopeSchema)
    .min(1, 'must name a scope')
    .refine((scopes) => new Set(scopes).size === scopes.length, 'must not name a scope twice'),
  expiresAt: instantSchema.optional(),
});
export type NewApiKey = z.output<typeof newApiKeySchema>;

/** A fresh key: `token` is what its holder sends, and is not kept. */
export interface GeneratedKey {
  readonly id: string;
  readonly token: string;
  readonly secretHash: Uint8Array;
}

export interface ApiKeyCatalog {
  /** `token` is answered this once. */
  create(input: NewApiKey, tenant: string): Promise<ApiKeyRecord & { readonly token: string }>;
  /** From now on the key opens nothing. */
  revoke(id: string, tenant: string): Promise<ApiKeyRecord>;
  get(id: string, tenant: string): Promise<ApiKeyRecord>;
  list(request: PageRequest, tenant: string): Promise<Page<ApiKeyRecord>>;
}

const keyUnknown = (id: string): Fault => new Fault('not_found', 'api_key.unknown', `There is no API key "${id}".`);

export function apiKeyCatalog(store: ApiKeyStore, clock: TenantClock, generateKey: () => GeneratedKey): ApiKeyCatalog {
  return {
    async create(input, tenant) {
      const nowMs = await clock.nowMs(tenant);
      const expiresAtMs = instantMs(input.expiresAt) ?? null;
      if (expiresAtMs !== null && expiresAtMs <= nowMs) {
        throw new Fault('invalid', 'api_key.expired', 'An API key must expire in the future.', {
          errors: [{ path: 'expiresAt', message: 'must be in the future' }],
        });
      }
      const { id, token, secretHash } = generateKey();
      const key = await store.insert({ id, name: input.name, scopes: input.scopes, expiresAtMs }, secretHash, nowMs, tenant);
      return { ...key, token };
    },
    async revoke(id, tenant) {
      const key = await store.revoke(id, await clock.nowMs(tenant), tenant);
      if (key === undefined) throw keyUnknown(id);
      return key;
    },
    async get(id, tenant) {
      const key = await store.byId(id, tenant);
      if (key === undefined) throw keyUnknown(id);
      return key;
    },
    list: (request, tenant) => store.page(request, tenant),
  };
}
