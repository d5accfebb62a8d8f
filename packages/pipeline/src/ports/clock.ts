/** The server's time: what is retried, leased or kept for a while goes by it. The machine's, or a test clock that all tenants share. */
export interface Clock {
  nowMs(): number;
  /** Resolves at `atMs` on this clock (at once if past), or when `signal` aborts: check it afterwards. */
  sleepUntil(atMs: number, signal?: AbortSignal): Promise<void>;
}

/** The only source of time for what a tenant sets, uses and is billed for. A `Clock` is one by which every tenant has the server's time. */
export interface TenantClock {
  nowMs(tenant: string): number | Promise<number>;
}
