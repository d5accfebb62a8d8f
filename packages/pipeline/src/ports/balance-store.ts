/** What a piece of work found out, by customer, as text to be kept. */
export interface WorkedOut {
  readonly entries: ReadonlyMap<string, string>;
}

/**
 * Where what customers may use is kept, as it was last worked out, so that a check finds it fast. A cache: every entry can be made again from the stores
 * at any time, and losing all of them loses nothing.
 */
export interface BalanceStore {
  /** Undefined where nothing is kept, or the store is out of reach: never rejects, and never keeps a check waiting. */
  read(customer: string, tenant: string): Promise<string | undefined>;
  /**
   * Does the work, which reads the stores, and keeps what it found. Of two works on one customer at the same time the one that began last stays, so that
   * what was read before a change never replaces what was read after it. Rejects with what the work rejects with, and with nothing else; out of reach,
   * it forgets what was kept of these customers as soon as it can.
   */
  keep<Found extends WorkedOut>(work: () => Promise<Found>, customers: readonly string[], tenant: string): Promise<Found>;
  /** Forgets everything of the tenant, and says how much that was. Fails with `redis.unreachable`. */
  clear(tenant: string): Promise<number>;
}
