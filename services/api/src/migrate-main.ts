import { migrateInstallation } from '@meterline/composition/installation';
import { runTask } from '@meterline/composition/service';
import { systemClock } from '@meterline/runtime/clock';

await runTask({
  service: 'migrate',
  about:
    'Makes the engines ready for the Meterline services: schemas, topic, acceptance window and admin key. Safe to run again.',
  defaults: { METERLINE_BACKEND: 'distributed' },
  async work(context) {
    const { freshKey, ...log } = await migrateInstallation(context, systemClock());
    if (freshKey !== undefined) process.stdout.write(`Admin key ${freshKey} (shown once)\n`);
    context.logger.info(log, 'the installation is ready');
  },
});
