import { runMain } from '@meterline/composition/service';
import { startApiService } from './service.ts';

await runMain({
  service: 'api',
  about: 'The Meterline API: meters, plans, customers, usage, spend and invoices. Any number of them run behind a load balancer.',
  defaults: { METERLINE_BACKEND: 'distributed', METERLINE_PORT: '8081' },
  async start(context) {
    context.logger.info({ url: await startApiService(context) }, 'started');
  },
});
