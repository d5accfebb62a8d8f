import type { Page, PageRequest } from './page.ts';

export const REFUSAL_STATUSES = ['duplicate', 'conflict', 'rejected'] as const;
export type RefusalStatus = (typeof REFUSAL_STATUSES)[number];

/** A record that the log received and that did not become usage. */
export interface RefusedEvent {
  readonly partition: number;
  readonly offset: number;
  readonly status: RefusalStatus;
  readonly code: string;
  readonly detail: string;
  /** When it entered the log. */
  readonly receivedAtMs: number;
  /** The record as it stands in the log: JSON text, unless it is refused for not being that. */
  readonly payload: string;
}

export interface RefusedEventQuery extends PageRequest {
  readonly status?: RefusalStatus | undefined;
  /** Half-open [fromMs, toMs) of receivedAtMs. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/** What a position (`after`, `nextAfter`) of these pages looks like. */
export const REFUSED_EVENT_POSITION = /^\d{1,15}\.\d{1,5}\.\d{1,15}$/;

export interface RefusedEventReader {
  /** Newest first, below the committed cut at the time of the call. */
  page(query: RefusedEventQuery, tenant: string): Promise<Page<RefusedEvent>>;
}
