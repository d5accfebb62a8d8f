import type { BalanceStore, Clock, SandboxStore } from '../ports/index.ts';

/** Deletes what removed sandboxes left, as far as it can be: the event log is of all tenants. Safe to be broken off and to be repeated. */
export async function sweepSandboxes(ports: {
  readonly sandboxes: Pick<SandboxStore, 'sweep'>;
  readonly balances: Pick<BalanceStore, 'clear'>;
  readonly serverClock: Clock;
}): Promise<void> {
  for (const tenant of await ports.sandboxes.sweep(ports.serverClock.nowMs())) await ports.balances.clear(tenant);
}
