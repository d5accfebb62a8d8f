import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Step } from './steps.ts';

export const ADMIN_KEY = 'chaos-test-admin-key';
const SERVER = path.join(import.meta.dirname, 'server.ts');
const READY_MS_MAX = 120_000;
const READY = 'ready';

export interface KillPlan {
  readonly step: Step;
  /** At which time the step is reached; 1 is the first. */
  readonly nth: number;
}

/** Records written ahead at a time. Under kills few, so that segments are written in several goes although the load is small; that makes every insert dear. */
const WRITE_AHEAD_RECORDS = { underKills: 3, unharmed: 2_000 };

export interface RunningServer {
  /** True once it is ready; false if it ended before. */
  ready(): Promise<boolean>;
  readonly isRunning: boolean;
  /** Milliseconds from the start to readiness, once ready. */
  readonly readyMs: number | undefined;
  /** Resolves when the process is gone: whether SIGKILL ended it. Rejects if it ended by itself, with the end of its log. */
  readonly killed: Promise<void>;
  kill(): Promise<void>;
}

/** A port that is free now, to be the same over all restarts. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/**
 * Starts a process on the data in `folder`, with its clock at `clockMs`, to kill itself by `plan`, to be killed by the caller (null), or to live.
 * Its output goes to `server.log` there.
 */
export function startServer(
  where: { folder: string; port: number; partitions: number },
  clockMs: number,
  plan?: KillPlan | null,
): RunningServer {
  const logFile = path.join(where.folder, 'server.log');
  const output = openSync(logFile, 'a');
  const startedMs = performance.now();
  const child = spawn(process.execPath, [SERVER], {
    stdio: ['pipe', output, output],
    env: {
      PATH: process.env['PATH'],
      UV_THREADPOOL_SIZE: '16',
      METERLINE_DATA: path.join(where.folder, 'data'),
      METERLINE_PORT: String(where.port),
      METERLINE_PARTITIONS: String(where.partitions),
      METERLINE_ADMIN_KEY: ADMIN_KEY,
      METERLINE_LOG_LEVEL: 'warn',
      METERLINE_WEBHOOK_ALLOW: 'loopback',
      METERLINE_TEST_CLOCK: new Date(clockMs).toISOString(),
      CHAOS_WRITE_AHEAD_RECORDS: String(WRITE_AHEAD_RECORDS[plan === undefined ? 'unharmed' : 'underKills']),
      ...(plan && { CHAOS_KILL_AT: plan.step, CHAOS_KILL_AFTER: String(plan.nth) }),
    },
  });
  closeSync(output);
  let gone = false;
  let readyMs: number | undefined;
  const killed = new Promise<void>((resolve, reject) => {
    child.once('exit', (code, signal) => {
      gone = true;
      if (signal === 'SIGKILL') resolve();
      else reject(new Error(`the server ended by itself (${signal ?? `exit code ${String(code)}`}):\n${endOf(logFile)}`));
    });
  });
  killed.catch(() => undefined);

  return {
    killed,
    get isRunning() {
      return !gone;
    },
    get readyMs() {
      return readyMs;
    },
    async ready() {
      while (!gone) {
        const answer = await readiness(where.port);
        if (answer === READY) {
          readyMs ??= performance.now() - startedMs;
          return true;
        }
        if (performance.now() - startedMs > READY_MS_MAX)
          throw new Error(
            `not ready after ${READY_MS_MAX} ms (${answer}; to be killed at ${plan?.step ?? 'no step'}):\n${endOf(logFile)}`,
          );
        await sleep(50);
      }
      await killed;
      return false;
    },
    async kill() {
      child.kill('SIGKILL');
      await killed;
    },
  };
}

async function readiness(port: number): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(5_000) });
    return response.ok ? READY : `${response.status}: ${await response.text()}`;
  } catch (error) {
    // it does not listen yet, or was killed
    return error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  }
}

function endOf(file: string): string {
  return readFileSync(file, 'utf8').slice(-4_000);
}
