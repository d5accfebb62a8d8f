import type { Cut, PlannedSegment } from '../ports/segment-ledger.ts';
import { chainOf, isBelow } from './chain.ts';

/** Up to `end`, from the end of the step before, records are read with this version of the configuration, as they were the first time. */
export interface MoveStep {
  readonly configVersion: number;
  readonly end: Cut;
}

/** Where the old log lies in the new one. Plain JSON: it is stored, so that a move that goes on later need not look again. */
export interface MoveLayout {
  /** Per new partition, the end of what was moved. */
  readonly end: Cut;
  /** Records below `end` that are there twice, see `Lane`. */
  readonly repeated: number;
  readonly steps: readonly MoveStep[];
  /** In order: the same place in both logs. */
  readonly places: readonly { readonly from: Cut; readonly to: Cut }[];
}

/** Where a cut of the old log lies: exactly, or (one that the layout was not made for) the next place that has everything below it. */
export function placeOf({ places, end }: Pick<MoveLayout, 'places' | 'end'>, cut: Cut): Cut {
  return places.find(({ from }) => isBelow(clipped(cut, from.length), from))?.to ?? end;

  function clipped(of: Cut, partitions: number): Cut {
    const most = places.at(-1)?.from ?? [];
    return Array.from({ length: partitions }, (_, partition) => Math.min(of[partition] ?? 0, most[partition] ?? 0));
  }
}

/** For each version that records were read with, in order, the cut where it ends. `segments`: of each old partition, in order. */
export function versionEnds(segments: readonly (readonly PlannedSegment[])[], end: Cut): MoveStep[] {
  const versions = [...new Set(segments.flat().map(({ configVersion }) => configVersion))].toSorted((a, b) => a - b);
  return versions.map((configVersion) => ({
    configVersion,
    end: end.map(
      (most, partition) => segments[partition]?.find((segment) => segment.configVersion > configVersion)?.start ?? most,
    ),
  }));
}

/**
 * The versions, each in as many steps as cuts lie in it. A reader at a cut sees a segment whole or not at all, by its start: at every cut that figures
 * depend on segments must end.
 */
export function stepsOf(versions: readonly MoveStep[], cuts: readonly Cut[]): MoveStep[] {
  let before: Cut | undefined;
  return versions.flatMap(({ configVersion, end }) => {
    const from = before ?? end.map(() => 0);
    before = end;
    const within = cuts.filter((cut) => isBelow(cut, end) && !isBelow(end, cut) && !isBelow(cut, from));
    return chainOf({ exact: within, loose: [] }, end).map((cut) => ({ configVersion, end: cut }));
  });
}
