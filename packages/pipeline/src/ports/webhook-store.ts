import type { AttemptResult, NextStep, WebhookEventType } from '../webhooks/index.ts';
import type { Page, PageRequest } from './page.ts';

/** A delivery taken by one worker: nobody else takes it before the lease ends. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly tenant: string;
  readonly endpoint: string;
  readonly url: string;
  /** Signing secrets, newest first; two while a rotation is under way. */
  readonly secrets: readonly string[];
  /** The same for every attempt and replay of a message: receivers deduplicate by it. */
  readonly messageId: string;
  readonly payload: string;
  /** Attempts recorded so far. */
  readonly attempts: number;
}

export interface DeliveryClaim {
  readonly nowMs: number;
  /** Until when the taken deliveries are ours; a worker that dies gives them back by this lapsing. */
  readonly leaseUntilMs: number;
  readonly limit: number;
  readonly perEndpointMax: number;
  /** Deliveries this worker has under way, by endpoint: they count towards `perEndpointMax` and are not taken again. */
  readonly underWay: readonly { readonly id: string; readonly endpoint: string }[];
}

/** Which deliveries are due by the Clock; it lives in the billing store. Safe for several workers at once. */
export interface DeliveryQueue {
  /** Takes due deliveries of enabled endpoints, the longest due first. */
  claimDue(claim: DeliveryClaim): Promise<ClaimedDelivery[]>;
  /** When the next delivery that is not due yet comes due, in epoch milliseconds. */
  nextDueAfter(nowMs: number): Promise<number | undefined>;
  /** Records an attempt and what follows from it, all or nothing. */
  recordAttempt(
    delivery: { readonly id: string; readonly endpoint: string },
    result: AttemptResult,
    next: NextStep,
  ): Promise<void>;
}

export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly events: readonly WebhookEventType[];
  readonly createdAtMs: number;
  readonly disabledAtMs: number | null;
  readonly disabledReason: string | null;
}

export interface WebhookEndpointDraft {
  readonly url: string;
  readonly events: readonly WebhookEventType[];
  readonly secret: string;
}

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface WebhookDelivery {
  readonly id: string;
  readonly messageId: string;
  readonly endpoint: string;
  readonly type: WebhookEventType;
  readonly state: DeliveryState;
  readonly createdAtMs: number;
  readonly completedAtMs: number | null;
  /** Null once complete, and while the endpoint is disabled. */
  readonly nextAttemptAtMs: number | null;
  /** In the order they were made. */
  readonly attempts: readonly WebhookAttempt[];
}

export interface WebhookAttempt {
  readonly attempt: number;
  readonly atMs: number;
  /** HTTP status, or null if there was no answer; then `error` says why. */
  readonly status: number | null;
  readonly error: string | null;
  readonly durationMs: number;
}

export interface DeliveryQuery extends PageRequest {
  readonly endpoint?: string | undefined;
  readonly state?: DeliveryState | undefined;
  readonly type?: WebhookEventType | undefined;
}

/** Endpoints as a tenant manages them. In every call the tenant comes last; what another tenant owns does not exist. */
export interface WebhookEndpointStore {
  insert(draft: WebhookEndpointDraft, nowMs: number, tenant: string): Promise<WebhookEndpoint>;
  byId(id: string, tenant: string): Promise<WebhookEndpoint | undefined>;
  /** Oldest first. */
  page(request: PageRequest, tenant: string): Promise<Page<WebhookEndpoint>>;
  /** Signs with `secret` from now on, and with the one before beside it until `oldUntilMs`. */
  rotateSecret(id: string, secret: string, oldUntilMs: number, tenant: string): Promise<WebhookEndpoint | undefined>;
  /** What was pending when the endpoint was disabled comes due now. */
  enable(id: string, nowMs: number, tenant: string): Promise<WebhookEndpoint | undefined>;
  /** Forgets the endpoint and its secrets; pending deliveries fail. What was delivered stays listed. False if there is none. */
  remove(id: string, nowMs: number, tenant: string): Promise<boolean>;
  /** Sends a `ping` to this endpoint alone, whatever it subscribed to. Undefined if there is none, or it is disabled. */
  ping(id: string, nowMs: number, tenant: string): Promise<WebhookDelivery | undefined>;
}

export interface WebhookDeliveryStore {
  byId(id: string, tenant: string): Promise<WebhookDelivery | undefined>;
  /** Newest first. */
  page(query: DeliveryQuery, tenant: string): Promise<Page<WebhookDelivery>>;
  /** A new delivery of the same message to the same endpoint. Undefined if there is none, or the endpoint is disabled. */
  replay(id: string, nowMs: number, tenant: string): Promise<WebhookDelivery | undefined>;
}
