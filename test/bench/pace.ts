const WINDOW_MS = 4_000;

/**
 * Usage is committed in leaps of a segment; customers do not send in leaps. This draws a line through the leaps of the last seconds, so that a sustained
 * load comes evenly, as fast as usage is committed.
 */
export function createPace() {
  const seen: { atMs: number; committed: number }[] = [];
  return {
    tell(committed: number, atMs: number): void {
      if (seen.at(-1)?.committed === committed) return;
      seen.push({ atMs, committed });
      while (seen.length > 2 && (seen[0]?.atMs ?? 0) < atMs - WINDOW_MS) seen.shift();
    },
    /** Events that are committed by now, by the line. */
    committed(nowMs: number): number {
      const [first] = seen;
      const last = seen.at(-1);
      if (first === undefined || last === undefined) return 0;
      if (first === last) return last.committed;
      const perMs = (last.committed - first.committed) / (last.atMs - first.atMs);
      return last.committed + perMs * Math.min(nowMs - last.atMs, WINDOW_MS / 2);
    },
  };
}
