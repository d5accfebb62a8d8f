import type { SegmentRange } from '../ports/segment-ledger.ts';
import type { IdClaim, UsageStore } from '../ports/usage-store.ts';
import { idState } from './claims.ts';
import type { DecodedRecord } from './decode.ts';
import type { DerivedSegment, Prefix } from './derive.ts';
import { IdFilter } from './id-filter.ts';

const RECENT_IDS_MAX = 200_000;
const LOOKUP_IDS_MAX = 5_000;
const WARM_OFFSETS = 500_000;
const NO_CLAIMS: readonly IdClaim[] = [];

/**
 * What one partition's committed prefix knows of ids. The usage store has the whole truth; recent ids are kept here with all their claims, and a
 * filter spares the question for ids that surely are new. Losing this object loses nothing: until the filter is warm every id is asked for.
 */
export class KnownIds {
  readonly #partition: number;
  readonly #store: Pick<UsageStore, 'claims' | 'claimedIds' | 'eventsAt'>;
  readonly #filter = new IdFilter();
  readonly #recent = new Map<string, readonly IdClaim[]>();
  readonly #windowMs: number;
  #warm = false;

  /** `windowMs`: how long an id may not come back; ids older than that need not be filtered. */
  constructor(partition: number, store: Pick<UsageStore, 'claims' | 'claimedIds' | 'eventsAt'>, windowMs: number) {
    this.#partition = partition;
    this.#store = store;
    this.#windowMs = windowMs;
  }

  get isWarm(): boolean {
    return this.#warm;
  }

  get filterBytes(): number {
    return this.#filter.bytes;
  }

  /** Loads the ids claimed below `cut` in the window before `nowMs`. Segments learned meanwhile are not lost. */
  async warm(cut: number, nowMs: number, signal: AbortSignal): Promise<void> {
    const sinceMs = nowMs - this.#windowMs;
    for (let from = 0; from < cut && !signal.aborted; from += WARM_OFFSETS) {
      const range = { from, to: Math.min(from + WARM_OFFSETS, cut), sinceMs };
      for (const idHash of await this.#store.claimedIds(this.#partition, range)) this.#filter.add(idHash, nowMs);
    }
    this.#warm = !signal.aborted;
  }

  /** Everything deriving these records may ask of the prefix below `range.start`. */
  async prefixOf(records: readonly DecodedRecord[], range: SegmentRange): Promise<Prefix> {
    const asked = new Set<string>();
    const repeated = new Set<string>();
    for (const { idHash, kind } of records) {
      if (idHash === null || this.#recent.has(idHash) || asked.has(idHash)) continue;
      if (kind !== 'event' || !this.#warm || this.#filter.mayHave(idHash)) asked.add(idHash);
    }
    for (const { idHash, kind } of records) if (idHash !== null && kind !== 'event') repeated.add(idHash);
    const found = await this.#ask([...asked], range.start);
    const claims = (idHash: string): readonly IdClaim[] => {
      const known = found.get(idHash) ?? this.#recent.get(idHash) ?? NO_CLAIMS;
      const last = known.at(-1);
      // only a segment that is derived again meets claims of its own or later offsets
      return last === undefined || last.offset < range.start ? known : known.filter((claim) => claim.offset < range.start);
    };
    const events = await this.#withdrawable([...repeated].map(claims));
    return { claims, event: (offset) => events.get(offset) };
  }

  learn(derived: DerivedSegment, prefix: Prefix): void {
    for (const [idHash, claims] of derived.claimed) {
      const before = prefix.claims(idHash);
      const all = before.length === 0 ? claims : [...before, ...claims];
      this.#recent.delete(idHash);
      this.#recent.set(idHash, all);
      this.#filter.add(idHash, claims.at(-1)?.appendedAtMs ?? 0);
    }
    this.#filter.forgetBefore(derived.manifest.appendedThroughMs - this.#windowMs);
    for (const idHash of this.#recent.keys()) {
      if (this.#recent.size <= RECENT_IDS_MAX) break;
      this.#recent.delete(idHash);
    }
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

  async #withdrawable(claimLists: readonly (readonly IdClaim[])[]) {
    const offsets = claimLists.flatMap((claims) => idState(claims)?.effective?.offset ?? []);
    const events = offsets.length === 0 ? [] : await this.#store.eventsAt(this.#partition, offsets);
    return new Map(events.filter(({ kind }) => kind === 'event').map((event) => [event.offset, event]));
  }
}
