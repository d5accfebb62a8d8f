import type { BillingPorts, Ports } from '@meterline/composition/installation';
import { sweepSandboxes } from '@meterline/pipeline/sandboxes';
import { resumeUpgrades } from '@meterline/pipeline/upgrades';
import { createWebhookSender } from '@meterline/pipeline/webhooks';
import type { Settings } from '@meterline/runtime/config';
import type { Health } from '@meterline/runtime/health';
import type { OnStop } from '@meterline/runtime/lifecycle';
import type { Logger } from '@meterline/runtime/logging';
import type { Metrics } from '@meterline/runtime/metrics';
import { ratingMetrics } from './metrics.ts';
import { startRatingWorker } from './rating-worker.ts';
import { startDeliveries } from './webhooks/index.ts';

export interface RatingContext {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly onStop: OnStop;
  readonly deliveries: Ports['deliveries'];
  readonly billing: BillingPorts;
  /** Where usage is committed by other processes: how often wake-ups are looked for. Default 1,000 ms. */
  readonly pollIntervalMs?: number;
}

/** Everything that follows from usage: spend alerts, invoices and the webhooks that tell of them. */
export async function startRating(context: RatingContext) {
  const { settings, logger, metrics, health, onStop, billing, pollIntervalMs } = context;
  const observed = ratingMetrics(metrics);
  const sender = createWebhookSender({ policy: settings.webhookTargets });
  onStop('webhook sender', () => sender.close());
  const { serverClock: clock } = billing;
  const deliveries = startDeliveries({ queue: context.deliveries, clock, send: sender.send, logger, observe: observed.webhook });
  onStop('webhook deliveries', () => deliveries.close());
  const rating = await startRatingWorker({
    ...billing,
    logger,
    async finishLeftBehind() {
      await resumeUpgrades(billing, (err, { id, tenant }) =>
        logger.error({ err, tenant, upgrade: id }, 'an upgrade could not be finished'),
      );
      await sweepSandboxes(billing);
    },
    onMessages: deliveries.notify,
    onEvaluated: observed.evaluated,
    onSandboxFailure: observed.sandboxFailed,
    ...(pollIntervalMs !== undefined && { pollIntervalMs }),
  });
  observed.watch(rating.clocksOnTheirWay);
  onStop('rating worker', () => rating.stop());
  health.add('rating', rating.trouble);
  return { deliveries, rating };
}
