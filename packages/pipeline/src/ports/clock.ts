/** The only source of time for everything that is billed, scheduled or retried, so that tests can move it. */
export interface Clock {
  nowMs(): number;
  /** Resolves at `atMs` on this clock (at once if past), or when `signal` aborts: check it afterwards. */
  sleepUntil(atMs: number, signal?: AbortSignal): Promise<void>;
}
