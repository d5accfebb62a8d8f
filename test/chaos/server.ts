/**
 * The standalone server, as `npm start` runs it, that kills itself with SIGKILL when it reaches the step `CHAOS_KILL_AT` for the
 * `CHAOS_KILL_AFTER`th time (default 1). It ends with whoever started it.
 */
import { DEFAULT_LIMITS } from '@meterline/pipeline/aggregation';
import { readSettings } from '@meterline/runtime/config';
import { runService } from '@meterline/runtime/lifecycle';
import { createLogger } from '@meterline/runtime/logging';
import { startStandalone } from '@meterline/standalone';
import { stepDecorations } from './steps.ts';

const killAt = process.env['CHAOS_KILL_AT'];
let stepsLeft = Number(process.env['CHAOS_KILL_AFTER'] ?? '1');

function reach(step: string): void {
  if (step !== killAt) return;
  stepsLeft -= 1;
  if (stepsLeft === 0) process.kill(process.pid, 'SIGKILL');
}

process.stdin.on('end', () => process.exit(1)).resume();
const settings = readSettings(process.env);
const logger = createLogger({ level: settings.logLevel, service: 'standalone' });
await runService({
  logger,
  start: async (onStop) => {
    const limits = { ...DEFAULT_LIMITS, writeAheadRecords: Number(process.env['CHAOS_WRITE_AHEAD_RECORDS']) };
    await startStandalone({ settings, logger, onStop, limits, onStep: reach, decorate: stepDecorations(reach) });
  },
});
