import { isMeterRefusal, type CompiledMeter } from '@meterline/domain/meters';
import type { FeedingMeter, SegmentManifest, SegmentRange, UsageTable, Wake } from '../ports/segment-ledger.ts';
import type { LogRecord } from '../ports/event-log.ts';
import type { IdClaim, StoredEvent } from '../ports/usage-store.ts';
import { idState } from './claims.ts';
import { decodeRecord, type DecodedEvent, type DecodedRecord } from './decode.ts';
import { Deltas } from './deltas.ts';
import { RowBatch } from './row-batch.ts';
import { addEventRow, addKeyRow, addRefusedRow, type RefusalStatus } from './usage-rows.ts';

/** Meters and limits as of the configuration version a segment was planned with. */
export interface SegmentConfig {
  readonly version: number;
  readonly pastMs: number;
  readonly futureMs: number;
  /** Meters that ever counted this event type, archived ones included: a withdrawal must reach them too. */
  metersOf(tenant: string, type: string): readonly CompiledMeter<FeedingMeter>[];
}

/** What the committed prefix of the partition says about the ids of a segment. */
export interface Prefix {
  claims(idHash: string): readonly IdClaim[];
  /** Events that voids and replacements of this segment withdraw, by offset. */
  event(offset: number): StoredEvent | undefined;
}

export interface DerivedSegment {
  readonly range: SegmentRange;
  /** All rows, but for those that were taken before. */
  readonly tables: Readonly<Record<UsageTable, RowBatch>>;
  readonly manifest: SegmentManifest;
  readonly wakes: readonly Wake[];
  /** Ids claimed in this segment. */
  readonly claimed: Iterable<string>;
}

type Outcome = 'accepted' | RefusalStatus;

const NO_CLAIMS: readonly IdClaim[] = [];
const NOTHING_BEFORE: Prefix = { claims: () => NO_CLAIMS, event: () => undefined };

/**
 * Turns the records of one segment into rows: a pure function of the records, the configuration and the committed prefix.
 * No clock, no randomness: deriving again, by anyone, gives the same rows. Records must be added in offset order, all of them.
 */
export class SegmentFold {
  readonly #range: SegmentRange;
  readonly #config: SegmentConfig;
  #prefix: Prefix = NOTHING_BEFORE;
  readonly #events = new RowBatch();
  readonly #refused = new RowBatch();
  readonly #keys = new RowBatch();
  readonly #deltas = new Deltas();
  /** The newest claim made here on each id, and all of them where there are several. */
  readonly #claimed = new Map<string, IdClaim>();
  readonly #claimedAgain = new Map<string, IdClaim[]>();
  readonly #records: readonly LogRecord[];
  readonly #touched = new Map<string, Set<string>>();
  readonly #count = { accepted: 0, duplicate: 0, conflict: 0, rejected: 0, unmetered: 0 };
  #appendedThroughMs = 0;
  #lastMeters: { tenant: string; type: string; meters: readonly CompiledMeter<FeedingMeter>[] } | null = null;

  /** `records`: all of the segment, as they stand in the log: a withdrawal of what the segment itself brought, which is rare, reads its target again. */
  constructor(range: SegmentRange, config: SegmentConfig, records: readonly LogRecord[]) {
    this.#range = range;
    this.#config = config;
    this.#records = records;
  }

  /** Adds the next records; `prefix` knows what their ids and withdrawals need. */
  add(records: readonly DecodedRecord[], prefix: Prefix): void {
    this.#prefix = prefix;
    for (const record of records) {
      this.#appendedThroughMs = Math.max(this.#appendedThroughMs, record.appendedAtMs);
      this.#count[this.#outcomeOf(record)] += 1;
    }
  }

  /** Rows of the tables that grow record by record: nothing that comes later changes them, so they may be written before the rest is known. */
  takeRows(): readonly { table: UsageTable; body: Uint8Array }[] {
    return [
      { table: 'event', body: this.#events.take() },
      { table: 'event_key', body: this.#keys.take() },
      { table: 'refused_event', body: this.#refused.take() },
    ];
  }

  finish(): DerivedSegment {
    const { partition, start } = this.#range;
    const tables = {
      event: this.#events,
      refused_event: this.#refused,
      event_key: this.#keys,
      usage_delta: this.#deltas.rows(partition, start, 'segment'),
    };
    const identity = {
      event: tables.event.identity,
      refused_event: tables.refused_event.identity,
      event_key: tables.event_key.identity,
      usage_delta: tables.usage_delta.identity,
    };
    return {
      range: this.#range,
      tables,
      manifest: { ...this.#count, appendedThroughMs: this.#appendedThroughMs, identity },
      wakes: [...this.#touched].map(([tenant, subjects]) => ({ tenant, subjects: [...subjects] })),
      claimed: this.#claimed.keys(),
    };
  }

  #outcomeOf(record: DecodedRecord): Outcome {
    if (record.fault !== null || record.idHash === null) return this.#refuse(record, 'rejected', record.fault ?? MALFORMED);
    const claims = this.#claimsOn(record.idHash);
    switch (record.kind) {
      case 'event':
        return this.#event(record, record.idHash, claims);
      case 'void':
        return this.#void(record, record.idHash, claims);
      case 'replace':
        return this.#replace(record, record.idHash, claims);
    }
  }

  #event(record: DecodedRecord, idHash: string, claims: readonly IdClaim[]): Outcome {
    if (record.event === null) return this.#refuse(record, 'rejected', MALFORMED);
    // An id may come back once the window in which it could be accepted has passed. By the server's time, which no tenant's runs behind: it passes no earlier.
    const horizonMs = record.appendedAtMs - this.#config.pastMs - this.#config.futureMs;
    const known = claims.length === 0 ? undefined : idState(claims.filter((claim) => claim.appendedAtMs >= horizonMs));
    if (known !== undefined) {
      const same = known.versions.some((version) => version.payloadHash === record.payloadHash);
      return same ? this.#refuse(record, 'duplicate', DUPLICATE) : this.#refuse(record, 'conflict', CONFLICT);
    }
    const { timeMs } = record.event;
    if (timeMs < record.receivedAtMs - this.#config.pastMs) return this.#refuse(record, 'rejected', TOO_OLD);
    if (timeMs > record.receivedAtMs + this.#config.futureMs) return this.#refuse(record, 'rejected', IN_FUTURE);
    return this.#accept(record, record.event, idHash);
  }

  #void(record: DecodedRecord, idHash: string, claims: readonly IdClaim[]): Outcome {
    const state = idState(claims);
    if (state === undefined) return this.#refuse(record, 'rejected', UNKNOWN_EVENT);
    if (state.effective === null) return this.#refuse(record, 'duplicate', ALREADY_VOID);
    this.#withdraw(record, state.effective.offset);
    this.#claim(record, idHash);
    return 'accepted';
  }

  #replace(record: DecodedRecord, idHash: string, claims: readonly IdClaim[]): Outcome {
    const state = idState(claims);
    if (record.event === null) return this.#refuse(record, 'rejected', MALFORMED);
    if (state === undefined) return this.#refuse(record, 'rejected', UNKNOWN_EVENT);
    if (state.effective?.payloadHash === record.payloadHash) return this.#refuse(record, 'duplicate', DUPLICATE);
    const outcome = this.#accept(record, record.event, idHash);
    if (outcome === 'accepted' && state.effective !== null) this.#withdraw(record, state.effective.offset);
    return outcome;
  }

  #accept(record: DecodedRecord, event: DecodedEvent, idHash: string): Outcome {
    const { tenant, offset } = record;
    const meters = this.#metersOf(tenant, event.type);
    const contributions = [];
    for (const compiled of meters) {
      if (countedAs(compiled.meter, this.#config.version) !== 0) continue;
      const contribution = compiled.contributionOf(event.data);
      if (contribution === null) continue;
      if (isMeterRefusal(contribution)) return this.#refuse(record, 'rejected', contribution);
      contributions.push({ meter: compiled.meter, contribution });
    }
    const at = { subject: event.subject, timeMs: event.timeMs, offset };
    for (const { meter, contribution } of contributions) this.#deltas.of(meter, 0).add(at, contribution);
    if (contributions.length === 0) this.#count.unmetered += 1;
    else this.#touch(tenant, event.subject);
    const { version: configVersion } = this.#config;
    addEventRow(this.#events, this.#range, record, event, {
      kind: 'event',
      targetOffset: 0,
      configVersion,
      rowHash: record.payloadHash,
    });
    this.#claim(record, idHash);
    return 'accepted';
  }

  /** Neighbours are mostly of one type. */
  #metersOf(tenant: string, type: string): readonly CompiledMeter<FeedingMeter>[] {
    const last = this.#lastMeters;
    if (last !== null && last.type === type && last.tenant === tenant) return last.meters;
    const meters = this.#config.metersOf(tenant, type);
    this.#lastMeters = { tenant, type, meters };
    return meters;
  }

  /** Takes back what the event at `targetOffset` brought: to each meter that counted it, where it was counted. */
  #withdraw(record: DecodedRecord, targetOffset: number): void {
    const target = this.#acceptedHere(targetOffset) ?? storedTarget(this.#prefix.event(targetOffset));
    if (target === undefined)
      throw new Error(`event ${targetOffset} of partition ${this.#range.partition} is claimed but not stored`);
    const { event } = target;
    for (const { meter, contributionOf } of this.#config.metersOf(record.tenant, event.type)) {
      const origin = countedAs(meter, target.config);
      const contribution = origin === null ? null : contributionOf(event.data);
      if (origin === null || contribution === null || isMeterRefusal(contribution)) continue;
      const at = { subject: event.subject, timeMs: event.timeMs, offset: targetOffset };
      this.#deltas.of(meter, origin).withdraw(at, contribution);
    }
    this.#touch(record.tenant, event.subject);
    const { version: configVersion } = this.#config;
    addEventRow(this.#events, this.#range, record, event, {
      kind: 'void',
      targetOffset,
      configVersion,
      rowHash: voidHash(record.payloadHash),
    });
  }

  #acceptedHere(offset: number): { config: number; event: DecodedEvent } | undefined {
    const record = this.#records[offset - this.#range.start];
    const event = record === undefined ? null : decodeRecord(record).event;
    return event === null ? undefined : { config: this.#config.version, event };
  }

  #refuse(record: DecodedRecord, status: RefusalStatus, why: { code: string; detail: string }): Outcome {
    addRefusedRow(this.#refused, this.#range, record, status, why);
    return status;
  }

  #claimsOn(idHash: string): readonly IdClaim[] {
    const before = this.#prefix.claims(idHash);
    const here = this.#claimed.get(idHash);
    return here === undefined ? before : [...before, ...(this.#claimedAgain.get(idHash) ?? [here])];
  }

  #claim(record: DecodedRecord, idHash: string): void {
    const { offset, kind, payloadHash, appendedAtMs } = record;
    const claim = { idHash, offset, kind, payloadHash, appendedAtMs };
    const earlier = this.#claimed.get(idHash);
    if (earlier !== undefined) this.#claimedAgain.set(idHash, [...(this.#claimedAgain.get(idHash) ?? [earlier]), claim]);
    this.#claimed.set(idHash, claim);
    addKeyRow(this.#keys, this.#range, record, idHash);
  }

  #touch(tenant: string, subject: string): void {
    let subjects = this.#touched.get(tenant);
    if (subjects === undefined) this.#touched.set(tenant, (subjects = new Set()));
    subjects.add(subject);
  }
}

const MALFORMED = { code: 'event.malformed', detail: 'the record holds no event' };
const DUPLICATE = { code: 'event.duplicate', detail: 'this id came before with the same content' };
const CONFLICT = { code: 'event.conflict', detail: 'this id came before with other content' };
const TOO_OLD = { code: 'event.too_old', detail: 'time is before the acceptance window' };
const IN_FUTURE = { code: 'event.in_future', detail: 'time is after the acceptance window' };
const UNKNOWN_EVENT = { code: 'event.unknown', detail: 'no accepted event has this source and id' };
const ALREADY_VOID = { code: 'event.already_void', detail: 'the event was withdrawn before' };

/** Under which origin a meter counts an event read with `eventConfig`; null if it does not. */
function countedAs(meter: FeedingMeter, eventConfig: number): number | null {
  if (meter.archivedVersion !== null && eventConfig >= meter.archivedVersion) return null;
  return eventConfig >= meter.createdVersion ? 0 : (meter.backfill?.origin ?? null);
}

function storedTarget(stored: StoredEvent | undefined): { config: number; event: DecodedEvent } | undefined {
  if (stored === undefined) return undefined;
  const fields = JSON.parse(stored.payload) as { type: string; subject: string; data?: unknown };
  return {
    config: stored.configVersion,
    event: { type: fields.type, subject: fields.subject, timeMs: stored.timeMs, data: fields.data },
  };
}

/** A replacement leaves two rows with one payload: their hashes must differ, or they would cancel out of the identity. */
function voidHash(payloadHash: string): string {
  return `f${payloadHash.slice(1, 15)}${payloadHash.startsWith('f') ? '1' : '0'}`;
}
