import { parseInstantMs } from '@meterline/domain/time';

/** What a usage event is once checked, and what the log keeps of it, in this order. */
export interface CheckedEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | undefined;
}

export interface TimeWindow {
  /** Both inclusive, epoch milliseconds. */
  readonly earliestMs: number;
  readonly latestMs: number;
}

export const ATTRIBUTE_CHARS_MAX = 256;
/** Nesting of `data`, itself included. */
export const DATA_DEPTH_MAX = 16;

const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;
const EXTENSION_NAME = /^[a-z0-9]+$/;

/**
 * The hot path: the event if nothing is wrong with it, otherwise undefined; `eventFaults` then says what. Both must agree, which a
 * property test watches.
 */
export function checkEvent(input: unknown, window: TimeWindow): CheckedEvent | undefined {
  if (!isObject(input)) return undefined;
  const { id, source, type, subject, time, data } = input;
  if (!isAttribute(id) || !isAttribute(source) || !isAttribute(type) || !isAttribute(subject)) return undefined;
  if (time !== undefined && !isTimeWithin(time, window)) return undefined;
  if (data !== undefined && !(isObject(data) && isCleanData(data, 1))) return undefined;
  for (const name in input) if (!KNOWN.has(name) && !isExtension(name, input[name])) return undefined;
  if (input['specversion'] !== undefined && input['specversion'] !== '1.0') return undefined;
  if (input['datacontenttype'] !== undefined && !isJsonMediaType(input['datacontenttype'])) return undefined;
  if (input['dataschema'] !== undefined && !isAttribute(input['dataschema'])) return undefined;
  return { id, source, type, subject, time, data };
}

const KNOWN = new Set(['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema', 'data']);

/** CloudEvents allows extension attributes: lower-case names with scalar values. They are accepted and not kept. */
export function isExtension(name: string, value: unknown): boolean {
  return EXTENSION_NAME.test(name) && name !== 'constructor' && (value === null || typeof value !== 'object');
}

export function isKnownAttribute(name: string): boolean {
  return KNOWN.has(name);
}

export function isExtensionName(name: string): boolean {
  return EXTENSION_NAME.test(name) && name !== 'constructor';
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isAttribute(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= ATTRIBUTE_CHARS_MAX && !hasBadCharacters(value);
}

/** Control characters, and halves of surrogate pairs (two different ones would hash alike). */
export function hasBadCharacters(text: string): boolean {
  return CONTROL_CHARACTER.test(text) || !text.isWellFormed();
}

function isTimeWithin(time: unknown, window: TimeWindow): time is string {
  if (typeof time !== 'string') return false;
  const timeMs = parseInstantMs(time);
  return timeMs !== undefined && timeMs >= window.earliestMs && timeMs <= window.latestMs;
}

export function isJsonMediaType(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    (value === 'application/json' || /^application\/(?:json|[\w.!#$&^-]+\+json)\s*(?:;.*)?$/i.test(value))
  );
}

function isCleanData(value: object, depth: number): boolean {
  if (depth > DATA_DEPTH_MAX) return false;
  if (Array.isArray(value)) {
    for (const item of value as unknown[])
      if (typeof item === 'object' && item !== null && !isCleanData(item, depth + 1)) return false;
    return true;
  }
  for (const key in value) {
    if (key === '__proto__') return false;
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === 'object' && item !== null && !isCleanData(item, depth + 1)) return false;
  }
  return true;
}
