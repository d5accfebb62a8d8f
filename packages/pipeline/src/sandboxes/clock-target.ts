import { afterDuration, isDuration, parseInstantMs } from '@meterline/domain/time';
import { z } from 'zod';
import { instantSchema } from '../catalog/index.ts';
import { DEFAULT_SCHEDULE } from '../invoices/index.ts';
import type { ScheduleStore, TenantClock } from '../ports/index.ts';
import { requireInRange } from './range.ts';

export const clockMoveSchema = z
  .strictObject({
    now: instantSchema.optional().describe('The instant to go to'),
    advance: z
      .string()
      .max(64)
      .refine(isDuration, 'must be an ISO 8601 duration that leads forward, such as P1M')
      .optional()
      .describe("How far to go, in the time zone of the tenant's invoice schedule: P1M, P2W, P1DT12H"),
  })
  .refine(({ now, advance }) => (now === undefined) !== (advance === undefined), 'must hold either now or advance');

/** Epoch milliseconds of where the clock of a tenant is to go. Fails with `clock.out_of_range` for an `advance` that leads beyond 2099. */
export async function clockTargetMs(
  ports: { readonly clock: TenantClock; readonly schedules: Pick<ScheduleStore, 'schedule'> },
  { now, advance }: z.output<typeof clockMoveSchema>,
  tenant: string,
): Promise<number> {
  if (advance === undefined) return parseInstantMs(now ?? '') ?? NaN;
  const { timezone } = (await ports.schedules.schedule(tenant)) ?? DEFAULT_SCHEDULE;
  const targetMs = afterDuration(await ports.clock.nowMs(tenant), advance, timezone) ?? Infinity;
  requireInRange(targetMs, 'advance');
  return targetMs;
}
