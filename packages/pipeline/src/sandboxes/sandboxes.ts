import { Fault } from '@meterline/domain/faults';
import { z } from 'zod';
import { type GeneratedKey, instantMs, instantSchema, keySchema, nameSchema } from '../catalog/index.ts';
import { DEFAULT_SCHEDULE, nextRunMs } from '../invoices/index.ts';
import type { Clock, Page, PageRequest, SandboxRecord, SandboxStore } from '../ports/index.ts';
import { requireInRange } from './range.ts';

export const newSandboxSchema = z.strictObject({
  key: keySchema,
  name: nameSchema,
  clock: instantSchema.optional().describe('Where its clock begins; default now'),
});

export interface SandboxCatalog {
  /** `token` opens the sandbox, and is answered this once. Fails with `sandbox.key_taken`, `sandbox.in_sandbox`, `clock.out_of_range`. */
  create(input: z.output<typeof newSandboxSchema>, tenant: string): Promise<SandboxRecord & { readonly token: string }>;
  get(key: string, tenant: string): Promise<SandboxRecord>;
  list(request: PageRequest, tenant: string): Promise<Page<SandboxRecord>>;
  /** Its rows go soon after. Fails with `sandbox.unknown`. */
  remove(key: string, tenant: string): Promise<void>;
  /** The sandbox that the tenant is itself, or undefined. */
  thatIs(tenant: string): Promise<SandboxRecord | undefined>;
}

export function sandboxCatalog(ports: {
  readonly sandboxes: SandboxStore;
  readonly serverClock: Clock;
  readonly generateKey: () => GeneratedKey;
}): SandboxCatalog {
  const { sandboxes, serverClock, generateKey } = ports;
  return {
    async create({ key, name, clock }, tenant) {
      if ((await sandboxes.thatIs(tenant)) !== undefined)
        throw new Fault('conflict', 'sandbox.in_sandbox', 'A sandbox has no sandboxes: use a key of the tenant that made it.');
      const nowMs = serverClock.nowMs();
      const startsAtMs = instantMs(clock) ?? nowMs;
      requireInRange(startsAtMs, 'clock');
      const { id, token, secretHash } = generateKey();
      const schedule = { ...DEFAULT_SCHEDULE, nextRunAtMs: nextRunMs(DEFAULT_SCHEDULE, startsAtMs) };
      const draft = { key, name, clockShiftMs: startsAtMs - nowMs, schedule, adminKey: { id, secretHash } };
      const made = await sandboxes.insert(draft, nowMs, tenant);
      if (made !== undefined) return { ...made, token };
      throw new Fault('conflict', 'sandbox.key_taken', `There is a sandbox "${key}" already.`, {
        errors: [{ path: 'key', message: 'is taken' }],
      });
    },
    async get(key, tenant) {
      const sandbox = await sandboxes.byKey(key, tenant);
      if (sandbox === undefined) throw unknown(key);
      return sandbox;
    },
    async remove(key, tenant) {
      if ((await sandboxes.remove(key, serverClock.nowMs(), tenant)) === undefined) throw unknown(key);
    },
    list: (request, tenant) => sandboxes.page(request, tenant),
    thatIs: (tenant) => sandboxes.thatIs(tenant),
  };
}

function unknown(key: string): Fault {
  return new Fault('not_found', 'sandbox.unknown', `There is no sandbox "${key}".`);
}
