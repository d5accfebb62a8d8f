import { setTimeout as sleep } from 'node:timers/promises';
import { Meterline } from '@meterline/sdk';
import { MEDIA, SOURCE, SUBJECTS } from './catalog.ts';
import type { Client } from './client.ts';
import type { CountedEvent, Model } from './model.ts';
import { ADMIN_KEY } from './server-process.ts';

const TICK_MS = 50;
const CORRECTION_EVERY_MS = 150;
/** Duplicates, conflicts and corrections hit one of so many newest events. */
const RECENT_EVENTS = 3_000;
const DAY_MS = 86_400_000;

export interface TrafficOptions {
  readonly url: string;
  readonly client: Client;
  readonly model: Model;
  readonly random: () => number;
  /** The server's clock, as well as the driver knows it; never ahead by more than the server accepts. */
  readonly nowMs: () => number;
  readonly eventsPerSecond: number;
}

/** Sends through the SDK what real products send, the bad and the repeated included, and corrects some of it over HTTP. */
export function createTraffic({ url, client, model, random, nowMs, eventsPerSecond }: TrafficOptions) {
  const counts = { fresh: 0, late: 0, duplicate: 0, conflict: 0, invalid: 0, voided: 0, replaced: 0 };
  const losses: string[] = [];
  const usedTimes = new Set<number>();
  const acknowledged: CountedEvent[] = [];
  const corrected = new Set<string>();
  /** Events tracked since the last acknowledgement was asked for. */
  let unacknowledged: CountedEvent[] = [];
  const sdk = new Meterline({
    url,
    apiKey: ADMIN_KEY,
    source: SOURCE,
    flushIntervalMs: 30,
    batchEventsMax: 200,
    backoffMinMs: 50,
    backoffMaxMs: 500,
    requestTimeoutMs: 10_000,
    random,
    onError: () => undefined,
    onDrop: ({ reason, ids }) => losses.push(`the SDK dropped ${ids.length} events (${reason})`),
  });
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

  function uniqueTime(earliestMs: number): number {
    const late = random() < 0.1;
    let timeMs = Math.floor(nowMs() - random() * (late ? 3 * DAY_MS : 2 * 60_000));
    if (timeMs < earliestMs) timeMs = Math.floor(earliestMs + random() * Math.max(nowMs() - earliestMs, 1));
    else if (late) counts.late += 1;
    while (usedTimes.has(timeMs)) timeMs += 1;
    usedTimes.add(timeMs);
    return timeMs;
  }

  function fresh(id: string, earliestMs: number): CountedEvent {
    return {
      id,
      subject: pick(SUBJECTS),
      timeMs: uniqueTime(earliestMs),
      value: (random() * 10).toFixed(Math.floor(random() * 7)),
      user: `user-${Math.floor(random() * 400)}`,
      media: pick(MEDIA),
    };
  }

  function track({ id, subject, timeMs, value, user, media }: CountedEvent): void {
    sdk.track({ id, type: 'call', subject, time: new Date(timeMs), data: { value, user, media } });
  }

  /** One of the newest that were acknowledged. */
  function pickRecent(): CountedEvent | undefined {
    return acknowledged[acknowledged.length - 1 - Math.floor(random() * Math.min(acknowledged.length, RECENT_EVENTS))];
  }

  function sendOne(earliestMs: number): void {
    const dice = random();
    const recent = pickRecent();
    const repeated = dice < 0.08 && unacknowledged.length > 0 ? pick(unacknowledged) : recent;
    if (dice < 0.2 && repeated !== undefined) {
      counts.duplicate += 1;
      return track(repeated);
    }
    if (dice < 0.23 && recent !== undefined) {
      counts.conflict += 1;
      return track({ ...recent, value: '99.5', user: 'somebody-else' });
    }
    const event = fresh(`event-${counts.fresh + counts.invalid}`, earliestMs);
    if (dice < 0.25) {
      counts.invalid += 1;
      return track(dice < 0.24 ? { ...event, value: 'many' } : { ...event, timeMs: nowMs() - 36 * DAY_MS });
    }
    counts.fresh += 1;
    model.add(event);
    unacknowledged.push(event);
    return track(event);
  }

  async function sending(earliestMs: number, stop: AbortSignal): Promise<void> {
    let owed = 0;
    while (!stop.aborted) {
      for (owed += (eventsPerSecond * TICK_MS) / 1000; owed >= 1; owed -= 1) sendOne(earliestMs);
      await sleep(TICK_MS);
    }
  }

  async function acknowledging(stop: AbortSignal): Promise<void> {
    do {
      const tracked = unacknowledged;
      unacknowledged = [];
      await sdk.flush();
      acknowledged.push(...tracked);
      await sleep(TICK_MS);
    } while (!stop.aborted || unacknowledged.length > 0);
  }

  /** One correction at a time, each tried until it is acknowledged, and at most one for an event. */
  async function correcting(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await sleep(CORRECTION_EVERY_MS);
      const target = pickRecent();
      if (target === undefined || corrected.has(target.id)) continue;
      corrected.add(target.id);
      if (random() < 0.5) {
        await client.post(`/v1/events/${target.id}/void`, { source: SOURCE });
        model.void(target.id);
        counts.voided += 1;
      } else {
        const { id, subject, timeMs, value, user, media } = fresh(target.id, 0);
        const event = {
          source: SOURCE,
          type: 'call',
          subject,
          time: new Date(timeMs).toISOString(),
          data: { value, user, media },
        };
        await client.post(`/v1/events/${id}/replace`, event);
        model.replace({ id, subject, timeMs, value, user, media });
        counts.replaced += 1;
      }
    }
  }

  return {
    counts: counts as Readonly<typeof counts>,
    sdkCounters: () => sdk.counters,
    /** What the SDK lost or refused otherwise than it should. */
    faults(): string[] {
      const { enqueued, sent, rejected } = sdk.counters;
      if (rejected !== counts.invalid) losses.push(`${rejected} events were refused at the door, ${counts.invalid} are bad`);
      if (enqueued !== sent + rejected) losses.push(`of ${enqueued} events, ${sent} were stored and ${rejected} refused`);
      return losses;
    },
    /** Sends until `stop`, then waits until everything sent is acknowledged. Without `corrections` no event is older than `earliestMs`. */
    async run(how: { corrections: boolean; earliestMs: number }, stop: AbortSignal): Promise<void> {
      await Promise.all([sending(how.earliestMs, stop), acknowledging(stop), ...(how.corrections ? [correcting(stop)] : [])]);
      await sdk.flush();
    },
    close: (): Promise<void> => sdk.close(),
  };
}
