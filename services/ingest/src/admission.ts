import { Fault } from '@meterline/domain/faults';
import type { RateDecision, RateLimiter } from '@meterline/pipeline/ports';

export interface AdmissionLimits {
  readonly inFlightBytesMax: number;
  readonly inFlightRequestsMax: number;
  /** 0 = no limit. */
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
  spend(tenant: string, events: number, bytes: number): Promise<void>;
  readonly inFlight: { readonly requests: number; readonly bytes: number };
}

export interface AdmissionPorts {
  /** How many events are in the log and not yet counted. */
  readonly lagEvents: () => number;
  /** Undefined: nobody is limited, and nothing is decided. */
  readonly rates: RateLimiter | undefined;
  readonly onDecision: (decision: RateDecision) => void;
}

/** Keeps ingest from buffering without bound. */
export function createAdmission(limits: AdmissionLimits, { lagEvents, rates, onDecision }: AdmissionPorts): Admission {
  const inFlight = { requests: 0, bytes: 0 };

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
    async spend(tenant, events, bytes) {
      if (rates === undefined) return;
      const decision = await rates.spend(tenant, events, bytes);
      onDecision(decision);
      if (decision.waitMs === 0) return;
      throw new Fault('overloaded', 'ingest.tenant_limit', 'You send more than your rate limit allows.', {
        retryAfterSeconds: decision.waitMs / 1000,
      });
    },
  };
}

function overloaded(): Fault {
  return new Fault('unavailable', 'ingest.overloaded', 'The server is busy; send the events again.', { retryAfterSeconds: 1 });
}
