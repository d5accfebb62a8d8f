import { readSettings } from '@meterline/runtime/config';
import { runService } from '@meterline/runtime/lifecycle';
import { createLogger } from '@meterline/runtime/logging';
import { startStandalone } from '@meterline/standalone';

// The standalone server as it is, except that its parent can hold aggregation still, to measure ingest alone.
const settings = readSettings(process.env);
const logger = createLogger({ level: 'warn', service: 'bench' });
let release: (() => void) | undefined;
let held: Promise<void> | undefined;

process.on('message', (order) => {
  if (order === 'hold') held = new Promise((resolve) => (release = resolve));
  if (order === 'release') {
    release?.();
    held = undefined;
  }
});
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));

await runService({
  logger,
  async start(onStop) {
    const { url } = await startStandalone({ settings, logger, onStop, onStep: (step) => (step === 'read' ? held : undefined) });
    process.send?.({ url });
  },
});
