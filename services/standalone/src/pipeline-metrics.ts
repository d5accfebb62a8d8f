import type { CycleResult } from '@meterline/pipeline/aggregation';
import type { Evaluated, DeliveriesOptions } from '@meterline/rating-worker';
import type { Metrics } from '@meterline/runtime/metrics';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What operators watch of the way from the log to the webhook. */
export function pipelineMetrics(metrics: Metrics) {
  const records = metrics.counter('aggregation_records_total', 'Log records that became usage, by outcome', ['outcome']);
  const segments = metrics.counter('aggregation_segments_total', 'Segments committed');
  const failures = metrics.counter('aggregation_failures_total', 'Failed cycles; each was tried again');
  const fired = metrics.counter('alerts_fired_total', 'Spend alerts fired');
  const evaluation = metrics.histogram('rating_evaluation_seconds', 'Time to rate the customers of one batch of wake-ups', {
    buckets: SECONDS,
  });
  const attempts = metrics.counter('webhook_attempts_total', 'Webhook attempts by what came of them', ['next']);
  const attemptTime = metrics.histogram('webhook_attempt_seconds', 'Time of one webhook attempt', { buckets: SECONDS });

  return {
    aggregationFailed: (): void => failures.inc(),
    committed(result: CycleResult): void {
      for (const { manifest } of result.segments) {
        segments.inc();
        for (const outcome of ['accepted', 'duplicate', 'conflict', 'rejected'] as const)
          records.inc({ outcome }, manifest[outcome]);
      }
    },
    evaluated({ fired: alerts, durationMs }: Evaluated): void {
      fired.inc(alerts);
      evaluation.observe(durationMs / 1000);
    },
    webhook: (({ next, durationMs }) => {
      attempts.inc({ next });
      attemptTime.observe(durationMs / 1000);
    }) satisfies NonNullable<DeliveriesOptions['observe']>,
    watch(read: { lagEvents: () => number; filterBytes: () => number }): void {
      metrics.gauge('aggregation_lag_events', 'Records in the log that are not usage yet', { collect: read.lagEvents });
      metrics.gauge('aggregation_filter_bytes', 'Memory of the id filters', { collect: read.filterBytes });
    },
  };
}
