import { runMain } from '@meterline/composition/service';
import { startIngestService } from './service.ts';

await runMain({
  service: 'ingest',
  about: 'Meterline ingest: takes events over HTTP into the event log. Any number of them run behind a load balancer.',
  defaults: { METERLINE_BACKEND: 'distributed', METERLINE_PORT: '8080' },
  async start(context) {
    context.logger.info({ url: await startIngestService(context) }, 'started');
  },
});
