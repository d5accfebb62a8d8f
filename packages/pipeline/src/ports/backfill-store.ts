import type { Meter } from '@meterline/domain/meters';
import type { Cut } from './segment-ledger.ts';

/** A running or complete backfill of one meter; `origin` marks its rows in the usage store. */
export interface Backfill {
  readonly origin: number;
  readonly meter: Meter;
  readonly state: 'running' | 'complete';
  /** Per partition: events below `before` are filled in; voids below `voidBefore` are left out of it, later ones withdraw by themselves. */
  readonly boundaries: readonly { readonly before: number; readonly voidBefore: number }[];
  /** Per partition: up to where rows are written. */
  readonly filledThrough: readonly number[];
}

export interface BackfillStore {
  /**
   * Registers the one backfill a meter can have, as a new configuration version, and fixes its boundaries against segments being planned.
   * Answers the existing one if there is one. Faults: `meter.unknown`.
   */
  start(logId: string, tenant: string, meterKey: string, nowMs: number): Promise<Backfill>;
  find(tenant: string, meterKey: string): Promise<Backfill | undefined>;
  running(): Promise<Backfill[]>;
  progress(origin: number, filledThrough: Cut): Promise<void>;
  /** Makes the filled usage visible and wakes rating for its subjects, in one transaction. */
  complete(backfill: Backfill, subjects: readonly string[], nowMs: number): Promise<void>;
}
