import type { InvoiceSchedule } from './invoice-store.ts';
import type { Page, PageRequest } from './page.ts';

export interface SandboxDraft {
  readonly key: string;
  readonly name: string;
  /** How much its time is ahead of the server's; behind, if negative. */
  readonly clockShiftMs: number;
  readonly schedule: InvoiceSchedule;
  readonly adminKey: { readonly id: string; readonly secretHash: Uint8Array };
}

export interface SandboxRecord {
  readonly key: string;
  readonly name: string;
  /** The tenant that it is itself. */
  readonly ownTenant: string;
  readonly clockShiftMs: number;
  /** Where its clock is on its way to; null: it arrived, and everything due by then is done. */
  readonly movingToMs: number | null;
  readonly createdAtMs: number;
}

/** A clock before a step. */
export interface ClockOnItsWay {
  readonly tenant: string;
  /** Only a step changes it. */
  readonly clockShiftMs: number;
  /** To its target. */
  readonly leftMs: number;
}

export interface SandboxRemoval {
  /**
   * In one transaction: it is no sandbox any more, no key opens the tenant that it was, and nothing of it becomes due, is counted or told. Its rows go with
   * `sweep`; no other tenant ever has its name. Answers that name, or undefined if there is no such sandbox.
   */
  remove(key: string, nowMs: number, tenant: string): Promise<string | undefined>;
  /**
   * Deletes the rows of removed sandboxes, those included that somebody wrote who was let in before. Safe to be broken off, and to run in any number of
   * processes. Answers the tenants of which something may have been left.
   */
  sweep(serverNowMs: number): Promise<readonly string[]>;
}

/** Sandboxes that a tenant made, and their clocks. A tenant is a sandbox from its beginning until it is removed, or never. */
export interface SandboxStore extends SandboxRemoval {
  /** In one transaction: the tenant, its admin key, its invoice schedule and the sandbox. Undefined if the key is taken. */
  insert(draft: SandboxDraft, nowMs: number, tenant: string): Promise<SandboxRecord | undefined>;
  byKey(key: string, tenant: string): Promise<SandboxRecord | undefined>;
  page(request: PageRequest, tenant: string): Promise<Page<SandboxRecord>>;
  /** The sandbox that this tenant is itself, or undefined. */
  thatIs(ownTenant: string): Promise<SandboxRecord | undefined>;
  /** Sends the clock on its way. False if it was sent further before. */
  send(toMs: number, ownTenant: string): Promise<boolean>;
  /**
   * Takes every clock on its way one step on: to its target, or to the next due time before that. One whose tenant has an unfinished invoice run, move or
   * upgrade, or a wake-up, stays where it is: what is due sees the time at which it is due. Answers the clocks that were on their way, as they stood before.
   */
  step(serverNowMs: number): Promise<readonly ClockOnItsWay[]>;
}
