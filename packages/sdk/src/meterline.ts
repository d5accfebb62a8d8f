import { createEntitlementChecker } from './entitlements.ts';
import type { EntitlementCheck, EntitlementChecker } from './entitlements.ts';
import { createEventIds } from './event-id.ts';
import { MeterlineError } from './meterline-error.ts';
import { settingsOf } from './options.ts';
import type { MeterlineOptions, Settings, WhenUnavailable } from './options.ts';
import { onPageHide } from './page.ts';
import { decimalText } from './quantity.ts';
import { createSender } from './sender.ts';
import type { Counters, Sender } from './sender.ts';
import { encodeEvent, usageEvent } from './usage.ts';
import type { CallUsage, MinutesUsage, UsageEvent, UserUsage } from './usage.ts';

/**
 * Tells Meterline what a product's customers use. Tracking returns at once and never throws: events are sent in batches in the
 * background, and again until the server has stored them. An event keeps its id and content over all attempts, so it counts once.
 * What cannot be sent is dropped, counted and reported to `onError` and `onDrop`.
 */
export class Meterline {
  readonly #settings: Settings;
  readonly #sender: Sender;
  readonly #checker: EntitlementChecker;
  readonly #forgetPage: () => void;
  readonly #newId = createEventIds();

  /** Throws MeterlineError `option_invalid`. */
  constructor(options: MeterlineOptions) {
    this.#settings = settingsOf(options);
    this.#sender = createSender(this.#settings);
    this.#checker = createEntitlementChecker(this.#settings);
    this.#forgetPage = onPageHide(() => this.#sender.sendBeforePageGoes());
  }

  /** Queues an event. Returns its id. */
  track(event: UsageEvent): string {
    return this.#enqueue(event.id, () => event);
  }

  /** Minutes of a call, a stream, a recording: event type `minutes`, data `{minutes, media, resolution, ...}`. Returns the id. */
  trackMinutes(usage: MinutesUsage): string {
    return this.#enqueue(usage.id, () => usageEvent('minutes', usage, { minutes: decimalText(usage.minutes) }));
  }

  /** An active user, told as often as you like: event type `user`, data `{user, ...}`. Returns the id. */
  trackUser(usage: UserUsage): string {
    return this.#enqueue(usage.id, () => usageEvent('user', usage, { user: usage.user }));
  }

  /** Calls of an API: event type `call`, data `{calls, method, ...}`. Returns the id. */
  trackCall(usage: CallUsage): string {
    return this.#enqueue(usage.id, () => usageEvent('call', usage, { calls: decimalText(usage.calls ?? 1) }));
  }

  /**
   * Whether a customer may use a feature now. Never rejects: while the server cannot be asked, `whenUnavailable` (here, or of the client) decides, and
   * `onError` is told. An answer is used again for `entitlementCacheMs`. It looks, and reserves nothing: usage counts when it is tracked.
   */
  checkEntitlement(
    customer: string,
    feature: string,
    options: { readonly whenUnavailable?: WhenUnavailable } = {},
  ): Promise<EntitlementCheck> {
    return this.#checker.check(customer, feature, options.whenUnavailable);
  }

  /** Resolves when every event tracked before the call is stored, rejected or dropped; during an outage that can take `retryForMs`. */
  flush(): Promise<void> {
    return this.#sender.flush();
  }

  /** Takes no more events, sends the rest, and after `timeoutMs` drops what is left. To be awaited before a process exits. */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#forgetPage();
    return this.#sender.close(options.timeoutMs ?? 10_000);
  }

  get counters(): Counters {
    return this.#sender.counters();
  }

  #enqueue(givenId: string | undefined, build: () => UsageEvent): string {
    const nowMs = this.#settings.now();
    const id = givenId ?? this.#newId(nowMs);
    let json: string;
    try {
      json = encodeEvent(build(), id, this.#settings.source, nowMs);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#sender.refuse(id, new MeterlineError('event_invalid', reason, { cause }));
      return id;
    }
    this.#sender.enqueue(id, json);
    return id;
  }
}
