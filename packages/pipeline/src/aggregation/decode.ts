import { hash } from 'node:crypto';
import { parseInstantMs } from '@meterline/domain/time';
import type { LogRecord, RecordFault } from '../ports/event-log.ts';

/** What of a CloudEvent usage depends on. `timeMs` is the event's own time, or when it entered the log by its tenant's time. */
export interface DecodedEvent {
  readonly type: string;
  readonly subject: string;
  readonly timeMs: number;
  readonly data: unknown;
}

export interface DecodedRecord {
  readonly offset: number;
  readonly tenant: string;
  readonly kind: LogRecord['kind'];
  readonly appendedAtMs: number;
  readonly receivedAtMs: number;
  /** The record as it stands in the log. */
  readonly value: Uint8Array;
  /** Hex, 64 bits over the record's bytes: equal hash means the same payload. */
  readonly payloadHash: string;
  /** Hex, 128 bits over (tenant, source, id); null when the record names none. */
  readonly idHash: string | null;
  /** Null for a void, and when `fault` says what is wrong. */
  readonly event: DecodedEvent | null;
  readonly fault: RecordFault | null;
}

const utf8 = new TextDecoder('utf-8');

/** Reads one record; a malformed one (the log may have other writers than ingest) comes back with its fault, never as an exception. */
export function decodeRecord(record: LogRecord): DecodedRecord {
  const { offset, tenant, kind, appendedAtMs, receivedAtMs, value } = record;
  const payloadHash = hash('sha256', value, 'hex').slice(0, 16);
  const base = { offset, tenant, kind, appendedAtMs, receivedAtMs, value, payloadHash };
  if (record.fault !== undefined) return { ...base, idHash: null, event: null, fault: record.fault };
  const malformed = (detail: string): DecodedRecord => ({
    ...base,
    idHash: null,
    event: null,
    fault: { code: 'event.malformed', detail },
  });

  let fields: unknown;
  try {
    fields = JSON.parse(utf8.decode(value));
  } catch {
    return malformed('the record is not JSON');
  }
  if (typeof fields !== 'object' || fields === null) return malformed('the record is not a JSON object');
  const { id, source, type, subject, time, data } = fields as Record<string, unknown>;
  if (typeof id !== 'string' || typeof source !== 'string') return malformed('id and source must be text');
  const idHash = hashId(tenant, source, id);
  if (kind === 'void') return { ...base, idHash, event: null, fault: null };
  if (typeof type !== 'string' || typeof subject !== 'string') return malformed('type and subject must be text');
  const timeMs = time === undefined ? receivedAtMs : typeof time === 'string' ? parseInstantMs(time) : undefined;
  if (timeMs === undefined) return malformed('time must be an RFC 3339 instant');
  return { ...base, idHash, event: { type, subject, timeMs, data }, fault: null };
}

/** Identity of an event id within a tenant and source. */
export function hashId(tenant: string, source: string, id: string): string {
  return hash('sha256', `${tenant}\0${source}\0${id}`, 'hex').slice(0, 32);
}
