import { CronExpressionParser } from 'cron-parser';
import { Fault } from '@meterline/domain/faults';
import { isTimezone } from '@meterline/domain/time';
import type { InvoiceSchedule, ScheduleStore, TenantClock } from '../ports/index.ts';

/**
 * Until a tenant says otherwise, a run every day at 00:05 UTC: periods end at midnight in their customers' zones, so each is invoiced
 * within a day, and five minutes leave room for the last usage of a period in UTC to arrive (what comes later is settled on the next invoice).
 */
export const DEFAULT_SCHEDULE = { cron: '5 0 * * *', timezone: 'UTC' } as const;

/** The first instant after `afterMs` that the expression names. */
export function nextRunMs({ cron, timezone }: Pick<InvoiceSchedule, 'cron' | 'timezone'>, afterMs: number): number {
  return CronExpressionParser.parse(cron, { currentDate: new Date(afterMs), tz: timezone })
    .next()
    .getTime();
}

/** Sets a tenant's schedule. Fails with `invoice_schedule.invalid`. */
export async function setSchedule(
  ports: { readonly schedules: Pick<ScheduleStore, 'putSchedule'>; readonly clock: TenantClock },
  { cron, timezone }: Pick<InvoiceSchedule, 'cron' | 'timezone'>,
  tenant: string,
): Promise<InvoiceSchedule> {
  if (!isTimezone(timezone)) throw invalid('timezone', 'must be an IANA time zone such as Europe/Berlin');
  // Five fields: minutes are the finest anyone bills by, and nicknames or a field of seconds would be a surprise.
  if (cron.trim().split(/\s+/).length !== 5)
    throw invalid('cron', 'must have five fields: minute hour day-of-month month day-of-week');
  const schedule = { cron, timezone, nextRunAtMs: firstRunMs({ cron, timezone }, await ports.clock.nowMs(tenant)) };
  await ports.schedules.putSchedule(schedule, tenant);
  return schedule;
}

function firstRunMs(schedule: Pick<InvoiceSchedule, 'cron' | 'timezone'>, nowMs: number): number {
  try {
    return nextRunMs(schedule, nowMs);
  } catch (cause) {
    throw invalid(
      'cron',
      cause instanceof Error ? `is not a cron expression: ${cause.message}` : 'is not a cron expression',
      cause,
    );
  }
}

function invalid(path: string, message: string, cause?: unknown): Fault {
  return new Fault('invalid', 'invoice_schedule.invalid', 'The schedule is not valid.', { errors: [{ path, message }], cause });
}
