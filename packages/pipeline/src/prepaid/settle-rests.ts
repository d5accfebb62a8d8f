import { type GrantBalance, settle } from '@meterline/domain/prepaid';
import type { InvoiceRun, PrepaidStore, TenantClock } from '../ports/index.ts';

export interface SettlePorts {
  readonly prepaid: Pick<PrepaidStore, 'prepaid' | 'withRests' | 'settle'>;
  readonly clock: TenantClock;
}

/**
 * Ends what is left of grants that expired by the run's instant (or were withdrawn): it expires, or goes on in a successor. Only once all
 * usage from before their end is invoiced. Safe to run again and beside others: what is settled has nothing left, and a ledger that moved
 * meanwhile is looked at anew.
 */
export async function settleRests(ports: SettlePorts, run: Pick<InvoiceRun, 'atMs' | 'tenant'>): Promise<void> {
  for (const { customer, grants } of await ports.prepaid.withRests(run.atMs, run.tenant)) {
    const wanted = new Set(grants);
    const isRest = ({ grant }: GrantBalance) => wanted.has(grant.id);
    let isSettled = false;
    while (!isSettled) {
      const [state] = await ports.prepaid.prepaid([customer], run.tenant);
      if (state === undefined) break;
      const nowMs = await ports.clock.nowMs(run.tenant);
      const settlements = state.balances.filter(isRest).map((balance) => settle(balance, nowMs));
      isSettled = await ports.prepaid.settle(customer, state.position, settlements, nowMs, run.tenant);
    }
  }
}
