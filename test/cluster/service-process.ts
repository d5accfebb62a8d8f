import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const ROOT = path.join(import.meta.dirname, '../..');
const TIED = pathToFileURL(path.join(import.meta.dirname, 'tied.ts')).href;
const READY_MS_MAX = 90_000;
const LINES_KEPT = 40;

export interface ServiceProcess {
  readonly url: string;
  readonly pid: number | undefined;
  readonly isRunning: boolean;
  /** Resolves when `/readyz` says so. Fails, with the end of its log, if the process ends before or never gets there. */
  ready(): Promise<void>;
  /** Resolves with the exit code, null after SIGKILL. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
}

interface ProgramOptions {
  /** From the root of the repository. */
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

/** Runs a program of ours with no environment but `env`, as a process that ends with this one. */
function spawn({ main, env, onLine }: ProgramOptions): { child: ChildProcess; log: () => string } {
  const child = fork(path.join(ROOT, main), [], {
    cwd: ROOT,
    execArgv: ['--import', TIED],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: path.join(ROOT, 'node_modules/.cache/compile'), ...env },
  });
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      last.push(line);
      if (last.length > LINES_KEPT) last.shift();
      onLine(line);
    });
  }
  return { child, log: () => last.join('\n') };
}

/** Runs a program to its end. Fails with its log if that is not good. */
export async function runToEnd(options: ProgramOptions): Promise<void> {
  const { child, log } = spawn(options);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${options.main} ended with ${code}:\n${log()}`);
}

/** Starts a service that listens on `port`. */
export function startService(options: ProgramOptions & { readonly port: number }): ServiceProcess {
  const { child, log } = spawn({ ...options, env: { ...options.env, METERLINE_PORT: String(options.port) } });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${options.port}`;
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;

  return {
    url,
    pid: child.pid,
    get isRunning() {
      return isRunning();
    },
    async ready() {
      const giveUpMs = performance.now() + READY_MS_MAX;
      for (;;) {
        const trouble = await unreadiness(url);
        if (trouble === undefined) return;
        if (!isRunning()) throw new Error(`${options.main} ended before it was ready:\n${log()}`);
        if (performance.now() > giveUpMs)
          throw new Error(`${options.main} is not ready after ${READY_MS_MAX} ms (${trouble}):\n${log()}`);
        await sleep(50);
      }
    },
    async end(signal) {
      if (isRunning()) {
        child.kill(signal);
        await exited;
      }
      return child.exitCode;
    },
    signal(name) {
      child.kill(name);
    },
  };
}

async function unreadiness(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
    return response.ok ? undefined : `${response.status}: ${await response.text()}`;
  } catch (error) {
    // it does not listen yet
    return String(error);
  }
}
