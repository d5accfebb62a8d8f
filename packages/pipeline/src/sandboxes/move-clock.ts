import { Fault } from '@meterline/domain/faults';
import { formatInstant } from '@meterline/domain/time';
import { endOfLog } from '../invoices/index.ts';
import type { Clock, EventLog, SandboxRecord, SandboxStore, SegmentLedger, TenantClock } from '../ports/index.ts';
import { requireInRange } from './range.ts';

export interface SandboxClockPorts {
  readonly sandboxes: Pick<SandboxStore, 'thatIs' | 'send'>;
  readonly ledger: Pick<SegmentLedger, 'committedCut'>;
  readonly log: Pick<EventLog, 'logId' | 'partitionCount' | 'bounds'>;
  readonly clock: TenantClock;
  readonly serverClock: Clock;
}

/** A caller waits at most this long; the clock goes on without it. */
const WAIT_MS_MAX = 30_000;
const LOOK_EVERY_MS = 25;

/**
 * Moves the clock of the tenant, which is a sandbox, once everything sent so far counts as usage, and waits until what is due by then is done (or half
 * a minute is over: `movingToMs` then says that it is on its way). Fails with `clock.not_sandbox`, `clock.backwards`, `clock.out_of_range`, and
 * `clock.usage_behind` if usage does not count in time; the clock then stays.
 */
export async function moveSandboxClock(
  ports: SandboxClockPorts & { readonly onSent: () => void },
  toMs: number,
  tenant: string,
): Promise<SandboxRecord> {
  const { serverClock } = ports;
  const untilMs = serverClock.nowMs() + WAIT_MS_MAX;
  const sandbox = await ofTenant(ports, tenant);
  requireInRange(toMs, 'now');
  const nowMs = await ports.clock.nowMs(tenant);
  if (toMs < nowMs) throw backwards(`is at ${formatInstant(nowMs)}`);
  await counted(ports, untilMs);
  if (!(await ports.sandboxes.send(toMs, tenant)))
    throw backwards(`is on its way to ${formatInstant(sandbox.movingToMs ?? nowMs)}`);
  ports.onSent();
  for (;;) {
    const current = await ofTenant(ports, tenant);
    if (current.movingToMs === null || serverClock.nowMs() >= untilMs) return current;
    await serverClock.sleepUntil(serverClock.nowMs() + LOOK_EVERY_MS);
  }
}

async function ofTenant({ sandboxes }: Pick<SandboxClockPorts, 'sandboxes'>, tenant: string): Promise<SandboxRecord> {
  const sandbox = await sandboxes.thatIs(tenant);
  if (sandbox !== undefined) return sandbox;
  throw new Fault(
    'conflict',
    'clock.not_sandbox',
    'This tenant lives in real time, which cannot be moved: "POST /v1/sandboxes" makes one with a clock of its own.',
  );
}

/** What was sent before the clock moved is used, and told about, at the time at which it was sent. */
async function counted({ ledger, log, serverClock }: SandboxClockPorts, untilMs: number): Promise<void> {
  const end = await endOfLog(log);
  for (;;) {
    const cut = await ledger.committedCut(log.logId);
    if (end.every((next, partition) => (cut[partition] ?? 0) >= next)) return;
    if (serverClock.nowMs() >= untilMs)
      throw new Fault('unavailable', 'clock.usage_behind', 'What was sent does not count yet; the clock was not moved.', {
        retryAfterSeconds: 5,
      });
    await serverClock.sleepUntil(serverClock.nowMs() + LOOK_EVERY_MS);
  }
}

function backwards(where: string): Fault {
  return new Fault('conflict', 'clock.backwards', `The clock ${where}, and only moves forward.`);
}
