import { MeterlineError } from './meterline-error.ts';
import type { Rejection } from './meterline-error.ts';
import type { DropReason, Settings } from './options.ts';
import { createTimers } from './timers.ts';
import { createTransport } from './transport.ts';
import type { QueuedEvent } from './transport.ts';

/** At any time `enqueued = sent + rejected + dropped + queued`. */
export interface Counters {
  /** Events tracked, those dropped at once included. */
  readonly enqueued: number;
  /** Stored by the server. */
  readonly sent: number;
  /** Refused by the server one by one. */
  readonly rejected: number;
  /** Lost; `onDrop` tells why. */
  readonly dropped: number;
  /** Waiting or being sent. */
  readonly queued: number;
  /** Events sent again, counted each time. Not part of the sum. */
  readonly retried: number;
}

export interface Sender {
  /** Takes an event over. Never blocks, never throws: what cannot be kept is dropped, counted and reported. */
  enqueue(id: string, json: string): void;
  /** Counts and reports an event that cannot be sent at all. */
  refuse(id: string, error: MeterlineError): void;
  /** Resolves when every event enqueued before the call is sent, rejected or dropped. */
  flush(): Promise<void>;
  /** Sends what can be sent by requests that outlive the page, at once. */
  sendBeforePageGoes(): void;
  /** Takes no more events, sends the rest for up to `timeoutMs`, drops what is then left. */
  close(timeoutMs: number): Promise<void>;
  counters(): Counters;
}

/** A bounded queue of events and the few requests that empty it. */
export function createSender(settings: Settings): Sender {
  const timers = createTimers();
  const transport = createTransport(settings, timers);
  const encoder = new TextEncoder();
  const stop = new AbortController();
  const counts = { enqueued: 0, sent: 0, rejected: 0, dropped: 0, queued: 0, retried: 0 };
  const waiters = new Set<{ readonly upTo: number; remaining: number; readonly done: () => void }>();
  /** Not yet being sent, in order. */
  const waiting: QueuedEvent[] = [];
  let waitingBytes = 0;
  /** Waiting or being sent: what the queue's bound is about. */
  let queuedBytes = 0;
  let sequence = 0;
  /** Events up to here leave even in a batch that is not full. */
  let dueSequence = 0;
  let requests = 0;
  let isBurst = false;
  let closing: Promise<void> | undefined;
  let cancelInterval: (() => void) | undefined;

  function enqueue(id: string, json: string): void {
    counts.enqueued++;
    const bytes = encoder.encode(json).byteLength;
    if (closing !== undefined) return lose([id], 'closed');
    if (counts.queued >= settings.queueEventsMax || queuedBytes + bytes > settings.queueBytesMax) {
      counts.dropped++;
      if (!isBurst) report(() => settings.onDrop({ reason: 'queue_full', ids: [id] }));
      isBurst = true;
      return;
    }
    // A queue that stays about full is one burst, not one for every batch that leaves it.
    if (isBurst && counts.queued < settings.queueEventsMax / 2 && queuedBytes < settings.queueBytesMax / 2) isBurst = false;
    counts.queued++;
    queuedBytes += bytes;
    waitingBytes += bytes;
    waiting.push({ sequence: ++sequence, id, json, bytes });
    pump();
  }

  /** Starts requests while there are full or due batches and free slots. */
  function pump(): void {
    while (requests < settings.concurrency && isBatchReady()) start(takeBatch(settings.batchBytesMax));
    const isIdle = waiting.length === 0 || isBatchReady();
    if (!isIdle && cancelInterval === undefined) cancelInterval = timers.after(settings.flushIntervalMs, sendAll);
  }

  function isBatchReady(): boolean {
    const head = waiting[0];
    if (head === undefined) return false;
    return head.sequence <= dueSequence || waiting.length >= settings.batchEventsMax || waitingBytes >= settings.batchBytesMax;
  }

  function sendAll(): void {
    cancelInterval?.();
    cancelInterval = undefined;
    dueSequence = sequence;
    pump();
  }

  /** At least one event, even if it is larger than `bytesMax`. */
  function takeBatch(bytesMax: number): QueuedEvent[] {
    let count = 0;
    // Brackets and commas count too.
    let bytes = 1;
    for (const event of waiting) {
      bytes += event.bytes + 1;
      if (count === settings.batchEventsMax || (count > 0 && bytes > bytesMax)) break;
      count++;
    }
    const batch = waiting.splice(0, count);
    for (const event of batch) waitingBytes -= event.bytes;
    return batch;
  }

  function start(batch: readonly QueuedEvent[]): void {
    requests++;
    void deliver(batch).then(() => {
      requests--;
      pump();
    });
  }

  /** Tries until the fate of every event of the batch is known. Never rejects. */
  async function deliver(batch: readonly QueuedEvent[], firstAttemptAtMs = settings.now()): Promise<void> {
    for (let attempt = 0; !stop.signal.aborted; attempt++) {
      if (attempt > 0) counts.retried += batch.length;
      const outcome = await transport.send(batch, stop.signal);
      if (outcome.kind === 'settled') return settleAnswered(batch, outcome.rejections);
      if (stop.signal.aborted) break;
      if (outcome.kind === 'split' && batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        counts.retried += batch.length;
        await deliver(batch.slice(0, half), firstAttemptAtMs);
        return deliver(batch.slice(half), firstAttemptAtMs);
      }
      report(() => settings.onError(outcome.error));
      if (outcome.kind !== 'retry') return drop(batch, outcome.kind === 'split' ? 'too_large' : 'refused');
      const leftMs = settings.retryForMs - (settings.now() - firstAttemptAtMs);
      if (leftMs <= 0) return drop(batch, 'expired');
      // The last attempt is made when time runs out, even if the server asked for more.
      await timers.sleep(Math.min(delayMs(outcome.error, outcome.retryAfterMs, attempt), leftMs), stop.signal);
    }
    drop(batch, 'closed');
  }

  /** Full jitter; never sooner than the server asked for. A refused key is tried again slowly: it may be on its way. */
  function delayMs(error: MeterlineError, retryAfterMs: number | undefined, attempt: number): number {
    const capMs = Math.min(settings.backoffMaxMs, settings.backoffMinMs * 2 ** attempt);
    if (error.code === 'unauthorized') return Math.max(settings.backoffMaxMs, retryAfterMs ?? 0);
    if (retryAfterMs === undefined) return settings.random() * capMs;
    return retryAfterMs + settings.random() * settings.backoffMinMs;
  }

  function settleAnswered(batch: readonly QueuedEvent[], rejections: readonly Rejection[]): void {
    counts.rejected += rejections.length;
    counts.sent += batch.length - rejections.length;
    const first = rejections[0];
    if (first !== undefined) {
      const message = `${rejections.length} of ${batch.length} events rejected, the first one: ${first.code}: ${first.message}`;
      report(() => settings.onError(new MeterlineError('event_rejected', message, { rejections })));
    }
    settle(batch);
  }

  function drop(batch: readonly QueuedEvent[], reason: DropReason): void {
    if (batch.length === 0) return;
    lose(
      batch.map((event) => event.id),
      reason,
    );
    settle(batch);
  }

  function lose(ids: readonly string[], reason: DropReason): void {
    counts.dropped += ids.length;
    report(() => settings.onDrop({ reason, ids }));
  }

  /** The fate of these events is known; each gets here exactly once. */
  function settle(batch: readonly QueuedEvent[]): void {
    counts.queued -= batch.length;
    for (const event of batch) queuedBytes -= event.bytes;
    for (const waiter of waiters) {
      for (const event of batch) if (event.sequence <= waiter.upTo) waiter.remaining--;
      if (waiter.remaining > 0) continue;
      waiters.delete(waiter);
      waiter.done();
    }
  }

  function flush(): Promise<void> {
    if (counts.queued === 0) return Promise.resolve();
    const release = timers.hold();
    const settled = new Promise<void>((done) => waiters.add({ upTo: sequence, remaining: counts.queued, done }));
    sendAll();
    return settled.finally(release);
  }

  async function finish(timeoutMs: number): Promise<void> {
    const cancel = timers.after(timeoutMs, () => {
      stop.abort();
      waitingBytes = 0;
      drop(waiting.splice(0), 'closed');
    });
    await flush();
    cancel();
    cancelInterval?.();
  }

  return {
    enqueue,
    flush,
    refuse(id, error) {
      counts.enqueued++;
      report(() => settings.onError(error));
      lose([id], 'invalid');
    },
    sendBeforePageGoes() {
      dueSequence = sequence;
      for (let head = waiting[0]; head !== undefined && head.bytes + 2 <= transport.keepaliveBytesLeft(); head = waiting[0]) {
        start(takeBatch(Math.min(settings.batchBytesMax, transport.keepaliveBytesLeft())));
      }
      pump();
    },
    close: (timeoutMs) => (closing ??= Promise.resolve().then(() => finish(timeoutMs))),
    counters: () => ({ ...counts }),
  };
}

/** A callback of the product that throws must not stop the sending. */
function report(call: () => void): void {
  try {
    call();
  } catch (error) {
    console.error('meterline: a callback failed', error);
  }
}
