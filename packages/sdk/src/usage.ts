import type { Quantity } from './quantity.ts';

/** A CloudEvent as the caller sees it. */
export interface UsageEvent {
  readonly type: string;
  /** Who used it: one of the customer's subjects. */
  readonly subject: string;
  /** Anything JSON can express; a bigint is sent as text. */
  readonly data?: unknown;
  /** Give one where the product has an identity of its own for what happened, so that telling it twice counts once. */
  readonly id?: string | undefined;
  /** When it happened; by default now. */
  readonly time?: Date | string | undefined;
  readonly source?: string | undefined;
}

type Dimension = string | number | boolean | bigint | Date | undefined;

/** Every property that is not named here becomes a property of `data`, for meters with dimensions. */
interface Usage {
  readonly subject: string;
  readonly id?: string | undefined;
  readonly time?: Date | string | undefined;
  readonly source?: string | undefined;
  readonly [dimension: string]: Dimension;
}

/** Event type `minutes`: meter it with the sum of `$.minutes`. */
export interface MinutesUsage extends Usage {
  readonly minutes: Quantity;
  /** `audio`, `video`, `recording` and the like. */
  readonly media?: string | undefined;
  /** `sd`, `hd`, `full_hd` and the like. */
  readonly resolution?: string | undefined;
}

/** Event type `user`: meter it with the unique count of `$.user`. */
export interface UserUsage extends Usage {
  readonly user: string;
}

/** Event type `call`: meter it with the sum of `$.calls`, or with a count where every call is an event. */
export interface CallUsage extends Usage {
  readonly method?: string | undefined;
  /** Calls that this event stands for. Default 1. */
  readonly calls?: Quantity | undefined;
}

/** Splits what describes the event from what becomes its data. */
export function usageEvent(type: string, usage: Usage, quantities: Readonly<Record<string, string>>): UsageEvent {
  const { subject, id, time, source, ...dimensions } = usage;
  return { type, subject, id, time, source, data: { ...dimensions, ...quantities } };
}

/** CloudEvents JSON of an event. Throws TypeError or RangeError if the event cannot be sent. */
export function encodeEvent(event: UsageEvent, id: string, defaultSource: string, nowMs: number): string {
  const { type, subject, source = defaultSource, data } = event;
  const time = typeof event.time === 'string' ? event.time : (event.time ?? new Date(nowMs)).toISOString();
  requireText('type', type);
  requireText('subject', subject);
  requireText('id', id);
  requireText('source', source);
  const content = { specversion: '1.0', id, source, type, subject, time, data };
  try {
    return JSON.stringify(content);
  } catch {
    // Probably a bigint. Not done at once, because a replacer makes every event several times as dear; what else fails, fails again.
    return JSON.stringify(content, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  }
}

function requireText(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${name} must be a text that is not empty`);
}
