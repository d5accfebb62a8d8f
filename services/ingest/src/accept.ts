import { checkEvent, type CheckedEvent, type TimeWindow } from './event-check.ts';
import { eventFaults, type EventFault } from './event-faults.ts';
import { UnreadableLine } from './request-body.ts';

/** Why an event is refused beyond its form (a suspended subject, say). */
export interface Rejection {
  readonly code: string;
  readonly message: string;
}

export interface AcceptedEvent {
  readonly event: CheckedEvent;
  /** What the log keeps: normalised CloudEvents JSON, UTF-8. */
  readonly value: Uint8Array;
}

export interface RejectedEvent {
  /** Position in the request, from 0. */
  readonly index: number;
  /** As sent, if it was text; cut to 256 characters. */
  readonly id: string | null;
  readonly faults: readonly [EventFault, ...EventFault[]];
}

export interface Judged {
  readonly accepted: readonly AcceptedEvent[];
  readonly rejected: readonly RejectedEvent[];
  /** Of all accepted values. */
  readonly bytes: number;
}

/** An answer must not be much larger than its request. */
const FAULTS_PER_EVENT_MAX = 20;

export interface Judge {
  readonly window: TimeWindow;
  readonly eventBytesMax: number;
  readonly screen: (event: CheckedEvent) => Rejection | undefined;
}

/** Sorts events into those to store, in order, and those to refuse with every fault of each. */
export function judgeEvents(events: readonly unknown[], judge: Judge): Judged {
  const accepted: AcceptedEvent[] = [];
  const rejected: RejectedEvent[] = [];
  let bytes = 0;
  for (let index = 0; index < events.length; index += 1) {
    const input = events[index];
    const event = checkEvent(input, judge.window);
    if (event === undefined) {
      rejected.push(refused(index, input, input instanceof UnreadableLine ? [input.fault] : eventFaults(input, judge.window)));
      continue;
    }
    const value = normalForm(event);
    const fault = lateFault(event, value, judge);
    if (fault) rejected.push(refused(index, input, [fault]));
    else {
      bytes += value.length;
      accepted.push({ event, value });
    }
  }
  return { accepted, rejected, bytes };
}

/** The same event always has the same bytes: attributes in this order, extensions left out, no white space. */
function normalForm(event: CheckedEvent): Uint8Array {
  return Buffer.from(JSON.stringify(event));
}

function lateFault(event: CheckedEvent, value: Uint8Array, judge: Judge): EventFault | undefined {
  if (value.length > judge.eventBytesMax) {
    return {
      code: 'event.too_large',
      path: '',
      message: `the event has ${value.length} bytes, at most ${judge.eventBytesMax} are allowed`,
    };
  }
  const rejection = judge.screen(event);
  return rejection && { ...rejection, path: '' };
}

function refused(index: number, input: unknown, faults: readonly EventFault[]): RejectedEvent {
  const [first, ...others] = faults.slice(0, FAULTS_PER_EVENT_MAX);
  // checkEvent and eventFaults disagree: a defect. Nothing was stored yet, so failing the request loses nothing.
  if (!first) throw new Error('an event was refused without a reason');
  const id =
    typeof input === 'object' && input !== null && 'id' in input && typeof input.id === 'string' ? input.id.slice(0, 256) : null;
  return { index, id, faults: [first, ...others] };
}
