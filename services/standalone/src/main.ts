import path from 'node:path';
import { Fault } from '@meterline/domain/faults';
import { readSettings, settingsHelp, type Settings } from '@meterline/runtime/config';
import { runService } from '@meterline/runtime/lifecycle';
import { createLogger } from '@meterline/runtime/logging';
import { startStandalone } from './standalone.ts';
import { welcome } from './welcome.ts';

if (process.argv.includes('--help')) {
  process.stdout.write(`Meterline in one process: ingest, aggregator, rating worker and API.\n\n${settingsHelp()}\n`);
  process.exit(0);
}

const settings = settingsOrExit();
const logger = createLogger({ level: settings.logLevel, service: 'standalone' });
await runService({
  logger,
  async start(onStop) {
    const standalone = await startStandalone({ settings, logger, onStop });
    process.stdout.write(welcome(standalone, path.resolve(settings.dataFolder)));
  },
});

function settingsOrExit(): Settings {
  try {
    return readSettings(process.env);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
