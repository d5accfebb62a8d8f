/** Limits of one tenant; 0 = no limit. */
export interface IngestRates {
  readonly eventsPerSecond: number;
  readonly bytesPerSecond: number;
}

export interface RateDecision {
  /** 0 = taken. Otherwise nothing was taken, and this is when to come back. */
  readonly waitMs: number;
  /** Who counted: all processes together, or this one alone (always so in one process, and while the shared counters are out of reach). */
  readonly scope: 'shared' | 'local';
}

/**
 * One second's worth of events and bytes for each tenant. Whoever has any left may take all they need and goes into debt, so that a large
 * request passes at any rate and is paid for by waiting.
 */
export interface RateLimiter {
  /** Never rejects, and never waits for anything much longer than a request should: ingest goes on whatever happens to the counters. */
  spend(tenant: string, events: number, bytes: number): RateDecision | Promise<RateDecision>;
}
