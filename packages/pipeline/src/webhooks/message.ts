import { createHash, randomUUID } from 'node:crypto';
import { Fault } from '@meterline/domain/faults';

export const WEBHOOK_EVENT_TYPES = [
  'alert.triggered',
  'entitlement.threshold_reached',
  'invoice.finalized',
  'credit_note.issued',
  'subscription.changed',
  'subscription.trial_will_end',
  'subscription.trial_ended',
  'ping',
] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number];

/** What Standard Webhooks asks senders to stay below. */
const PAYLOAD_BYTES_MAX = 20_000;

/**
 * The id of the message about `occurrence` (the id of the alert occurrence, of the invoice, ...): always the same, so a transaction
 * that is tried again cannot make a second message.
 */
export function webhookMessageId(tenant: string, type: WebhookEventType, occurrence: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([tenant, type, occurrence]))
    .digest('hex');
  return `msg_${hash.slice(0, 32)}`;
}

/** An id of its own for a message nobody can make twice. */
export function newWebhookMessageId(): string {
  return `msg_${randomUUID().replaceAll('-', '')}`;
}

/**
 * The body every attempt sends byte for byte: `{type, timestamp, data}`. `data` should refer to big things by id rather than hold them.
 * Fails with `webhook.payload_too_large` from 20,000 bytes on.
 */
export function webhookPayload(type: WebhookEventType, createdAtMs: number, data: Readonly<Record<string, unknown>>): string {
  const payload = JSON.stringify({ type, timestamp: new Date(createdAtMs).toISOString(), data });
  const bytes = Buffer.byteLength(payload);
  if (bytes >= PAYLOAD_BYTES_MAX) {
    throw new Fault(
      'too_large',
      'webhook.payload_too_large',
      `a ${type} message of ${bytes} bytes: it must stay below ${PAYLOAD_BYTES_MAX}`,
    );
  }
  return payload;
}
