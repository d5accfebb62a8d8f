/** How to reach each engine. `postgres` is a role that may create databases. */
export interface Addresses {
  readonly kafka: { readonly brokers: readonly string[] };
  readonly clickhouse: { readonly url: string };
  readonly postgres: { readonly url: string };
  readonly redis: { readonly url: string };
}

export type EngineName = keyof Addresses;

/** An engine that runs, how it was come by, and how it ends (what runs already is left running). */
export interface Started<A> {
  readonly address: A;
  readonly used: string;
  stop(): Promise<void>;
}

export type Provisioned<A> = { readonly address: A } | { readonly missing: string };

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the process of the global setup is asked for engines. */
    enginesUrl: string;
  }
}
