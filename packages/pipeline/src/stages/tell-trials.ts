import type { TenantClock, TrialNoticeStore } from '../ports/index.ts';

const NOTICES_AT_A_TIME_MAX = 100;

/** Tells all that is due of trials by the time of each tenant. Answers how many messages that made. */
export async function tellOfTrials({
  trials,
  clock,
}: {
  readonly trials: TrialNoticeStore;
  readonly clock: TenantClock;
}): Promise<number> {
  let all = 0;
  for (const { tenant, dueMs } of await trials.nextDue()) {
    const nowMs = await clock.nowMs(tenant);
    let told = dueMs <= nowMs ? NOTICES_AT_A_TIME_MAX : 0;
    while (told === NOTICES_AT_A_TIME_MAX) {
      told = await trials.tellDue(nowMs, NOTICES_AT_A_TIME_MAX, tenant);
      all += told;
    }
  }
  return all;
}
