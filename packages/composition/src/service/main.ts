import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Fault } from '@meterline/domain/faults';
import { readSettings, settingsHelp, type Settings, type SettingDefaults } from '@meterline/runtime/config';
import { createHealth, type Health } from '@meterline/runtime/health';
import { runService, type OnStop } from '@meterline/runtime/lifecycle';
import { createLogger, type Logger } from '@meterline/runtime/logging';
import { createMetrics, type Metrics } from '@meterline/runtime/metrics';

/** What every part of a service process is given. */
export interface ServiceContext {
  readonly service: string;
  /** Of this process and no other that ever was. */
  readonly processId: string;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly onStop: OnStop;
}

export interface ProcessOptions {
  readonly service: string;
  readonly about: string;
  /** Where it differs from the documented ones. */
  readonly defaults?: SettingDefaults;
}

/** A service process: reads its settings, starts, and stops in reverse order. `--help` explains the settings. */
export async function runMain(options: ProcessOptions & { start(context: ServiceContext): Promise<void> }): Promise<void> {
  const context = contextOf(options);
  await runService({ logger: context.logger, start: (onStop) => options.start({ ...context, onStop }) });
}

/** A process that does one thing and ends: with 0, or with 1 if it failed. What `work` opens is closed in reverse order. */
export async function runTask(options: ProcessOptions & { work(context: ServiceContext): Promise<void> }): Promise<void> {
  const context = contextOf(options);
  const { logger } = context;
  const parts: (() => Promise<void> | void)[] = [];
  try {
    await options.work({ ...context, onStop: (_part, stop) => void parts.push(stop) });
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof Fault) logger.fatal({ code: error.code }, error.message);
    else logger.fatal({ err: error }, `${options.service} failed`);
  }
  for (const stop of parts.toReversed()) await stop();
}

function contextOf({ service, about, defaults = {} }: ProcessOptions): Omit<ServiceContext, 'onStop'> {
  if (process.argv.includes('--help')) {
    process.stdout.write(`${about}\n\n${settingsHelp(defaults)}\n`);
    process.exit(0);
  }
  const settings = settingsOrExit(defaults);
  const logger = createLogger({ level: settings.logLevel, service });
  const processId = `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
  return { service, processId, settings, logger, metrics: createMetrics(), health: createHealth() };
}

function settingsOrExit(defaults: SettingDefaults): Settings {
  try {
    return readSettings(process.env, defaults);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
