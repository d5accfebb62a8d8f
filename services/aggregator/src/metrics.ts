import type { CycleResult } from '@meterline/pipeline/aggregation';
import type { Metrics } from '@meterline/runtime/metrics';

/** What operators watch of the way from the log to usage. */
export function aggregationMetrics(metrics: Metrics) {
  const records = metrics.counter('aggregation_records_total', 'Log records that became usage, by outcome', ['outcome']);
  const segments = metrics.counter('aggregation_segments_total', 'Segments committed');
  const failures = metrics.counter('aggregation_failures_total', 'Failed cycles; each was tried again');
  return {
    failed: (): void => failures.inc(),
    committed(result: CycleResult): void {
      for (const { manifest } of result.segments) {
        segments.inc();
        for (const outcome of ['accepted', 'duplicate', 'conflict', 'rejected'] as const)
          records.inc({ outcome }, manifest[outcome]);
      }
    },
    watch(read: { lagEvents: () => number; filterBytes: () => number; partitions: () => readonly number[] }): void {
      metrics.gauge('aggregation_lag_events', 'Records in the log that are not usage yet', { collect: read.lagEvents });
      metrics.gauge('aggregation_filter_bytes', 'Memory of the id filters', { collect: read.filterBytes });
      metrics.gauge('aggregation_partitions', 'Partitions that this process leads', { collect: () => read.partitions().length });
    },
  };
}
