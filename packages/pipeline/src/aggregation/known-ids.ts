import type { SegmentRange } from '../ports/segment-ledger.ts';
import type { IdClaim, StoredEvent, UsageStore } from '../ports/usage-store.ts';
import { idState } from './claims.ts';
import type { DecodedRecord } from './decode.ts';
import type { DerivedSegment, Prefix } from './derive.ts';
import { IdFilter } from './id-filter.ts';

const LOOKUP_IDS_MAX = 5_000;
/** Asked for at a time while the filter warms, about. */
const WARM_IDS = 500_000;
const NO_CLAIMS: readonly IdClaim[] = [];
const NO_EVENTS: ReadonlyMap<number, StoredEvent> = new Map();

/**
 * What one partition's committed prefix knows of ids. The usage store has the whole truth; a filter spares the question for ids that surely are
 * new, which are nearly all. Losing this object loses nothing: until the filter is warm every id is asked for.
 */
export class KnownIds {
  readonly #partition: number;
  readonly #store: Pick<UsageStore, 'claims' | 'claimedIds' | 'eventsAt'>;
  readonly #filter = new IdFilter();
  readonly #windowMs: number;
  #warm = false;

  /** `windowMs`: how long an id may not come back; ids older than that need not be filtered. */
  constructor(partition: number, store: Pick<UsageStore, 'claims' | 'claimedIds' | 'eventsAt'>, windowMs: number) {
    this.#partition = partition;
    this.#store = store;
    this.#windowMs = windowMs;
  }

  get filterBytes(): number {
    return this.#filter.bytes;
  }

  /** Loads the ids claimed below `cut` in the window before `fromMs`, when the record at `cut` was appended. Segments learned meanwhile are not lost. */
  async warm(cut: number, fromMs: number, signal: AbortSignal): Promise<void> {
    const sinceMs = fromMs - this.#windowMs;
    const shares = Math.ceil(cut / WARM_IDS);
    for (let index = 0; index < shares && !signal.aborted; index += 1) {
      const share = { index, of: shares, before: cut, sinceMs };
      for (const idHash of await this.#store.claimedIds(this.#partition, share)) this.#filter.add(idHash, fromMs);
    }
    this.#warm = !signal.aborted;
  }

  /** Everything deriving these records may ask of the prefix below `range.start`. */
  async prefixOf(records: readonly DecodedRecord[], range: SegmentRange): Promise<Prefix> {
    const asked = new Set<string>();
    const corrected = new Set<string>();
    for (const { idHash, kind } of records) {
      if (idHash === null) continue;
      if (kind !== 'event') corrected.add(idHash);
      if (kind !== 'event' || !this.#warm || this.#filter.mayHave(idHash)) asked.add(idHash);
    }
    const found = await this.#ask([...asked], range.start);
    const events = await this.#withdrawable([...corrected].map((idHash) => found.get(idHash) ?? NO_CLAIMS));
    return {
      claims: (idHash) => (found.size === 0 ? NO_CLAIMS : (found.get(idHash) ?? NO_CLAIMS)),
      event: (offset) => events.get(offset),
    };
  }

  learn({ claimed, manifest }: DerivedSegment): void {
    for (const idHash of claimed) this.#filter.add(idHash, manifest.appendedThroughMs);
    this.#filter.forgetBefore(manifest.appendedThroughMs - this.#windowMs);
  }

  async #ask(idHashes: readonly string[], before: number): Promise<Map<string, IdClaim[]>> {
    const found = new Map<string, IdClaim[]>();
    for (let at = 0; at < idHashes.length; at += LOOKUP_IDS_MAX) {
      for (const claim of await this.#store.claims(this.#partition, idHashes.slice(at, at + LOOKUP_IDS_MAX), before)) {
        const claims = found.get(claim.idHash);
        if (claims === undefined) found.set(claim.idHash, [claim]);
        else claims.push(claim);
      }
    }
    return found;
  }

  async #withdrawable(claimLists: readonly (readonly IdClaim[])[]): Promise<ReadonlyMap<number, StoredEvent>> {
    const offsets = claimLists.flatMap((claims) => idState(claims)?.effective?.offset ?? []);
    if (offsets.length === 0) return NO_EVENTS;
    const events = await this.#store.eventsAt(this.#partition, offsets);
    return new Map(events.filter(({ kind }) => kind === 'event').map((event) => [event.offset, event]));
  }
}
