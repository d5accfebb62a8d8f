import { Fault } from '@meterline/domain/faults';
import type { Logger } from '../logging/index.ts';

/** Says how to stop a part that has just been started. */
export type OnStop = (part: string, stop: () => Promise<void> | void) => void;

export interface ServiceOptions {
  readonly logger: Logger;
  /** Starts the parts one after another, telling `onStop` after each. */
  start(onStop: OnStop): Promise<void>;
  /** After this long the process exits with whatever has not stopped yet. Default 25 s. */
  readonly stopTimeoutMs?: number;
}

/**
 * Runs a service for the life of the process. SIGTERM or SIGINT stops its parts in reverse order and exits with 0 (1 if one failed or
 * the time was up); a second signal exits at once. A start that fails stops what had started and exits with 1, and so does, at once,
 * anything that nobody caught: a crash is safe, going on in an unknown state is not.
 */
export async function runService({ logger, start, stopTimeoutMs = 25_000 }: ServiceOptions): Promise<void> {
  const parts: { readonly name: string; readonly stop: () => Promise<void> | void }[] = [];
  let stopping = false;
  let started: Promise<void> = Promise.resolve();

  async function stopParts(): Promise<boolean> {
    let clean = true;
    for (const part of parts.toReversed()) {
      try {
        await part.stop();
        logger.debug({ part: part.name }, 'stopped');
      } catch (error) {
        clean = false;
        logger.error({ err: error, part: part.name }, 'could not stop');
      }
    }
    return clean;
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    logger.info({ signal }, 'stopping');
    setTimeout(() => {
      logger.error({ stopTimeoutMs }, 'not stopped in time');
      process.exit(1);
    }, stopTimeoutMs);
    // What is half started can only be stopped once it has told how; its failure is handled where it was started.
    await started.catch(() => undefined);
    const clean = await stopParts();
    logger.info('stopped');
    process.exit(clean ? 0 : 1);
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      void stop(signal);
    });
  }
  for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, 'crashed');
      process.exit(1);
    });
  }

  started = start((name, stopPart) => void parts.push({ name, stop: stopPart }));
  try {
    await started;
  } catch (error) {
    // A Fault tells the operator what to change; where in the code it was found is of no use to them.
    if (error instanceof Fault) logger.fatal({ code: error.code }, `could not start: ${error.message}`);
    else logger.fatal({ err: error }, 'could not start');
    if (stopping) return;
    await stopParts();
    process.exit(1);
  }
}
