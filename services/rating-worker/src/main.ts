import { runMain } from '@meterline/composition/service';
import { startRatingService } from './service.ts';

await runMain({
  service: 'rating-worker',
  about: 'The Meterline rating worker: spend alerts, invoices and webhooks. Any number of them share the work.',
  defaults: { METERLINE_BACKEND: 'distributed', METERLINE_PORT: '8083' },
  async start(context) {
    context.logger.info({ url: await startRatingService(context) }, 'started');
  },
});
