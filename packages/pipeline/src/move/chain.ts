import { Fault } from '@meterline/domain/faults';
import type { Cut } from '../ports/segment-ledger.ts';

/** Cuts of the old log that must have a place in the new one. */
export interface WantedCuts {
  /** Must be found again to the record: what is counted depends on them. */
  readonly exact: readonly Cut[];
  /** Say up to where somebody had looked; if they fit nowhere exactly, a little more may lie below them. */
  readonly loose: readonly Cut[];
}

/**
 * The cuts in the order in which they were reached, each once, the last being `end`. A new partition gathers records of several old ones, and any
 * prefix of it can be a cut only if, of two cuts, one lies wholly below the other. With one old partition that is always so; otherwise it fails with
 * `move.cuts_cross` for exact ones, and leaves loose ones out.
 */
export function chainOf({ exact, loose }: WantedCuts, end: Cut): Cut[] {
  const within = (cut: Cut): Cut => end.map((most, partition) => Math.min(cut[partition] ?? 0, most));
  const all = [
    ...[...exact, end].map((cut) => ({ cut: within(cut), isExact: true })),
    ...loose.map((cut) => ({ cut: within(cut), isExact: false })),
  ].toSorted((a, b) => sum(a.cut) - sum(b.cut));

  let next: Cut = end;
  const nextExact = all.toReversed().map(({ cut, isExact }) => {
    const after = next;
    if (isExact) next = cut;
    return after;
  }).toReversed(); // prettier-ignore

  const chain: Cut[] = [];
  for (const [index, { cut, isExact }] of all.entries()) {
    const last = chain.at(-1);
    if (last?.join() === cut.join()) continue;
    const follows = last === undefined || isBelow(last, cut);
    if (!isExact && !(follows && isBelow(cut, nextExact[index] ?? end))) continue;
    if (!follows) throw cutsCross(last, cut);
    chain.push(cut);
  }
  return chain;
}

export function isBelow(a: Cut, b: Cut): boolean {
  return a.every((offset, partition) => offset <= (b[partition] ?? 0));
}

function cutsCross(a: Cut, b: Cut): Fault {
  return new Fault(
    'conflict',
    'move.cuts_cross',
    `figures were stored at the cuts [${a.join()}] and [${b.join()}] of the event log, of which neither lies below the other: this log cannot be divided anew`,
  );
}

function sum(cut: Cut): number {
  return cut.reduce((total, offset) => total + offset, 0);
}
