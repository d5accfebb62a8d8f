import { Fault } from '@meterline/domain/faults';
import type { Clock } from '@meterline/pipeline/ports';

export interface AdmissionLimits {
  readonly inFlightBytesMax: number;
  readonly inFlightRequestsMax: number;
  /** 0 = no limit, for these three. */
  readonly tenantEventsPerSecond: number;
  readonly tenantBytesPerSecond: number;
  readonly lagEventsMax: number;
}

/** Room taken by one request until it is released. */
export interface Admitted {
  /** Takes more room, for what the body became when unpacked. */
  grow(bytes: number): void;
  release(): void;
}

export interface Admission {
  /** Before a body is read. Fails with 503 when the process has no room or counting is too far behind. */
  enter(bytes: number): Admitted;
  /** Once the events are known. Fails with 429 when the tenant has used up its rate. */
  spend(tenant: string, events: number, bytes: number): void;
  readonly inFlight: { readonly requests: number; readonly bytes: number };
}

/** Keeps ingest from buffering without bound. `lagEvents` tells how many events are in the log and not yet counted. */
export function createAdmission(limits: AdmissionLimits, clock: Clock, lagEvents: () => number): Admission {
  const inFlight = { requests: 0, bytes: 0 };
  const events = tokenBuckets(limits.tenantEventsPerSecond, clock);
  const bytes = tokenBuckets(limits.tenantBytesPerSecond, clock);

  function reserve(wanted: number): void {
    // A lone request is always let in, however big: its size has a limit of its own.
    if (inFlight.bytes > 0 && inFlight.bytes + wanted > limits.inFlightBytesMax) throw overloaded();
    inFlight.bytes += wanted;
  }

  return {
    inFlight,
    enter(wanted) {
      if (limits.lagEventsMax > 0 && lagEvents() > limits.lagEventsMax) {
        throw new Fault('unavailable', 'ingest.too_far_behind', 'Counting is too far behind; send the events again later.', {
          retryAfterSeconds: 5,
        });
      }
      if (inFlight.requests >= limits.inFlightRequestsMax) throw overloaded();
      reserve(wanted);
      inFlight.requests += 1;
      let held = wanted;
      let isReleased = false;
      return {
        grow(more) {
          if (isReleased || more <= 0) return;
          reserve(more);
          held += more;
        },
        release() {
          if (isReleased) return;
          isReleased = true;
          inFlight.requests -= 1;
          inFlight.bytes -= held;
        },
      };
    },
    spend(tenant, eventsCount, bytesCount) {
      const waitMs = Math.max(events.waitMs(tenant), bytes.waitMs(tenant));
      if (waitMs > 0) {
        throw new Fault('overloaded', 'ingest.tenant_limit', 'You send more than your rate limit allows.', {
          retryAfterSeconds: waitMs / 1000,
        });
      }
      events.take(tenant, eventsCount);
      bytes.take(tenant, bytesCount);
    },
  };
}

function overloaded(): Fault {
  return new Fault('unavailable', 'ingest.overloaded', 'The server is busy; send the events again.', { retryAfterSeconds: 1 });
}

/**
 * A bucket of tokens a tenant, one second's worth. Whoever has any left may take all they need and goes into debt, so that a large
 * request passes at any rate and is paid for by waiting.
 */
function tokenBuckets(perSecond: number, clock: Clock) {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  function refilled(tenant: string): { tokens: number; atMs: number } {
    const nowMs = clock.nowMs();
    const bucket = buckets.get(tenant) ?? { tokens: perSecond, atMs: nowMs };
    bucket.tokens = Math.min(perSecond, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) * perSecond) / 1000);
    bucket.atMs = nowMs;
    buckets.set(tenant, bucket);
    return bucket;
  }
  return {
    waitMs(tenant: string): number {
      if (perSecond === 0) return 0;
      const { tokens } = refilled(tenant);
      return tokens > 0 ? 0 : ((1 - tokens) * 1000) / perSecond;
    },
    take(tenant: string, count: number): void {
      if (perSecond > 0) refilled(tenant).tokens -= count;
    },
  };
}
