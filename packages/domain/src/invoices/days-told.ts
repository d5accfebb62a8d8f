import { formatLocalDay, formatLocalMinute, parseInstantMs, startOfLocalDay } from '../time/index.ts';
import type { InvoiceDocument } from './document.ts';

type Stating = Pick<InvoiceDocument, 'customer'>;

/**
 * A range as people count its days, both ends among them: `2026-07-24 to 2026-10-23, Europe/Berlin`. In instants where the document does not state its
 * zone.
 */
export function daysTold({ customer }: Stating, { from, to }: { readonly from: string; readonly to: string }): string {
  const { timezone } = customer;
  if (timezone === undefined) return `${from} up to ${to}`;
  const [first, last] = [formatLocalDay(msOf(from), timezone), formatLocalDay(msOf(to) - 1, timezone)];
  return first === last ? `${first}, ${timezone}` : `${first} to ${last}, ${timezone}`;
}

/** The day of an instant: by UTC where the document does not state its zone. */
export function dayTold({ customer }: Stating, instant: string): string {
  return formatLocalDay(msOf(instant), customer.timezone ?? 'UTC');
}

/** Until when, the last day among them: `2026-09-30`, or `2026-08-12 14:03` within a day. */
export function untilTold({ customer }: Stating, instant: string): string {
  const { timezone } = customer;
  if (timezone === undefined) return instant;
  const ms = msOf(instant);
  if (startOfLocalDay(ms, timezone) === ms) return formatLocalDay(ms - 1, timezone);
  return formatLocalMinute(ms, timezone);
}

function msOf(instant: string): number {
  const ms = parseInstantMs(instant);
  if (ms === undefined) throw new Error(`a document states ${instant}, which is no instant`);
  return ms;
}
