import type { TimeWindow } from '../time/index.ts';
import { quotient } from './window-fold.ts';
import type { LevelTerms } from './meter.ts';

const UNIT_MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/**
 * Adds up a level over time, window by window: for every change, what it brings until the end of its window, and by how much every later window is
 * higher. So the order of changes does not matter, and several levels add up to their sum. Windows follow one another without a gap.
 */
export class LevelIntegral {
  readonly #windows: readonly TimeWindow[];
  /** By window: level times milliseconds of the changes within it. */
  readonly #within: bigint[];
  /** By window: by how much the level at its start is above that at the start of the one before. */
  readonly #steps: bigint[];

  constructor(windows: readonly TimeWindow[]) {
    this.#windows = windows;
    this.#within = windows.map(() => 0n);
    this.#steps = windows.map(() => 0n);
  }

  /** The level rises by `by` at `atMs`, for good. Before the first window: it is already that much higher at its start. */
  change(atMs: number, by: bigint): void {
    const [first] = this.#windows;
    if (first === undefined || atMs <= first.fromMs) {
      this.#steps[0] = (this.#steps[0] ?? 0n) + by;
      return;
    }
    const index = windowIndexAt(this.#windows, atMs);
    const window = this.#windows[index];
    if (window === undefined) return;
    this.#within[index] = (this.#within[index] ?? 0n) + by * BigInt(window.toMs - atMs);
    if (index + 1 < this.#steps.length) this.#steps[index + 1] = (this.#steps[index + 1] ?? 0n) + by;
  }

  /** Level times time for each window, in the unit. */
  amounts(unit: LevelTerms['unit']): bigint[] {
    let level = 0n;
    return this.#windows.map(({ fromMs, toMs }, index) => {
      level += this.#steps[index] ?? 0n;
      const levelMs = level * BigInt(toMs - fromMs) + (this.#within[index] ?? 0n);
      return quotient(levelMs, BigInt(unit === 'period' ? toMs - fromMs : UNIT_MS[unit]));
    });
  }
}

/** Index of the window that `ms` lies in (windows follow one another); -1 before the first, their number after the last. */
export function windowIndexAt(windows: readonly TimeWindow[], ms: number): number {
  let low = 0;
  let high = windows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((windows[middle] as TimeWindow).fromMs <= ms) low = middle + 1;
    else high = middle;
  }
  const last = windows[low - 1];
  return last !== undefined && ms >= last.toMs ? low : low - 1;
}
