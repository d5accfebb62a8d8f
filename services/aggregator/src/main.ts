import { runMain } from '@meterline/composition/service';
import { startAggregatorService } from './service.ts';

await runMain({
  service: 'aggregator',
  about: 'The Meterline aggregator: turns the event log into exact usage. Any number of them share its partitions.',
  defaults: { METERLINE_BACKEND: 'distributed', METERLINE_PORT: '8082' },
  async start(context) {
    context.logger.info({ url: await startAggregatorService(context) }, 'started');
  },
});
