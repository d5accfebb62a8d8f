import type { ClocksOnTheirWay } from '@meterline/pipeline/sandboxes';
import type { Metrics } from '@meterline/runtime/metrics';
import type { Evaluated } from './rating-worker.ts';
import type { DeliveriesOptions } from './webhooks/index.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What operators watch of the way from usage to the webhook. */
export function ratingMetrics(metrics: Metrics) {
  const fired = metrics.counter('alerts_fired_total', 'Spend alerts and levels of entitlements fired');
  const evaluation = metrics.histogram('rating_evaluation_seconds', 'Time to rate the customers of one batch of wake-ups', {
    buckets: SECONDS,
  });
  const attempts = metrics.counter('webhook_attempts_total', 'Webhook attempts by what came of them', ['next']);
  const attemptTime = metrics.histogram('webhook_attempt_seconds', 'Time of one webhook attempt', { buckets: SECONDS });

  const clockFailures = metrics.counter(
    'sandbox_clock_failures_total',
    'Failed steps of the clocks of sandboxes; each was tried again',
  );

  return {
    sandboxFailed: (): void => clockFailures.inc(),
    watch(onTheirWay: () => ClocksOnTheirWay): void {
      metrics.gauge('sandbox_clocks_moving', 'Clocks of sandboxes that are on their way', { collect: () => onTheirWay().count });
      metrics.gauge('sandbox_clock_lag_seconds', 'How far the clock with the longest way has still to go, in its own time', {
        collect: () => onTheirWay().lagMs / 1000,
      });
      metrics.gauge('sandbox_clock_standing_seconds', 'How long a clock on its way has waited for what is due where it is', {
        collect: () => onTheirWay().standingMs / 1000,
      });
    },
    evaluated({ fired: alerts, durationMs }: Evaluated): void {
      fired.inc(alerts);
      evaluation.observe(durationMs / 1000);
    },
    webhook: (({ next, durationMs }) => {
      attempts.inc({ next });
      attemptTime.observe(durationMs / 1000);
    }) satisfies NonNullable<DeliveriesOptions['observe']>,
  };
}
