import type { Clock, Database, TenantClock } from '@meterline/pipeline/ports';

/** How much a tenant's time is ahead of the server's; behind, if negative. */
export interface ShiftedClock extends TenantClock {
  readonly aheadMs: (tenant: string) => number | Promise<number>;
}

/**
 * The server's time, and for a sandbox what the billing store says that it is ahead: read anew each time, so that no process lives on in a time that
 * is over. Who is no sandbox never becomes one, and costs nothing after the first question.
 */
export function tenantClock(database: Database, serverClock: Clock): ShiftedClock {
  const inServerTime = new Set<string>();

  async function shiftOf(tenant: string): Promise<number> {
    const [row] = await database.query<{ shift_ms: string | null }>(
      'select s.clock_shift_ms as shift_ms from tenant t left join sandbox s on s.own_tenant = t.id where t.id = $1',
      [tenant],
    );
    if (row?.shift_ms === null) inServerTime.add(tenant);
    return Number(row?.shift_ms ?? 0);
  }

  return {
    nowMs: (tenant) =>
      inServerTime.has(tenant) ? serverClock.nowMs() : shiftOf(tenant).then((shiftMs) => serverClock.nowMs() + shiftMs),
    aheadMs: (tenant) => (inServerTime.has(tenant) ? 0 : shiftOf(tenant)),
  };
}
