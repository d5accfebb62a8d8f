import type { Page, PageRequest } from './page.ts';

/** A row of the billing store as JSON, its fields named as in the API; never a secret. */
export type AuditDocument = Readonly<Record<string, unknown>>;

export interface AuditRecord {
  readonly id: string;
  readonly atMs: number;
  /** Null: the server did it by itself. `name` is the key's at that time. */
  readonly actor: { readonly keyId: string; readonly name: string | null } | null;
  readonly requestId: string | null;
  readonly action: 'create' | 'update' | 'delete';
  /** `plan`, `plan_version`, `subscription`, ... */
  readonly type: string;
  /** Key or id of the object; of several columns joined by `@` (`pro@2`). */
  readonly object: string;
  /** Null where there was nothing before. */
  readonly before: AuditDocument | null;
  /** Null where there is nothing any more. */
  readonly after: AuditDocument | null;
}

export interface AuditQuery extends PageRequest {
  readonly type?: string | undefined;
  readonly object?: string | undefined;
  /** Id of an API key, or `system`. */
  readonly actor?: string | undefined;
  /** Half-open [fromMs, toMs). */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/** What was changed, by whom and when. Only read here: the billing store writes it in the transaction of each change. */
export interface AuditTrail {
  /** Newest first. */
  page(query: AuditQuery, tenant: string): Promise<Page<AuditRecord>>;
}
