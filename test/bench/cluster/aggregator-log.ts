import { openInspector } from './inspector.ts';

/** What the log of one aggregator tells a measurement. */
export function watchAggregatorLog() {
  const warm = Promise.withResolvers<number>();
  let takenMs = 0;
  let onLine: ((line: string) => void) | undefined;
  return {
    line(line: string): void {
      onLine?.(line);
      if (line.includes('partitions changed')) takenMs ||= performance.now();
      if (line.includes('id filter is warm')) warm.resolve((performance.now() - takenMs) / 1000);
    },
    /** Seconds from taking its partitions until its id filter knew every id. */
    warmSeconds: warm.promise,
    openInspector: (pid: number) => openInspector(pid, (listener) => (onLine = listener)),
  };
}

export type AggregatorLog = ReturnType<typeof watchAggregatorLog>;
