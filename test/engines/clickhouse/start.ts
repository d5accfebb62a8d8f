import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface ClickhouseFront {
  /** The same over every restart. */
  readonly url: string;
  /** Of the process that runs now. */
  readonly pid: number | undefined;
  /** Starts it again on the same folder and port. */
  start(): Promise<void>;
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

export interface FrontOptions {
  readonly dataFolder: string;
  /** Default: any free one. */
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
}

/** Starts the ClickHouse front (development and tests only) as a child process that ends with this one. */
export async function startClickhouseFront(options: FrontOptions): Promise<ClickhouseFront> {
  let running = await startProcess(options, options.port ?? 0);
  const { url } = running;

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { child } = running;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  return {
    url,
    get pid() {
      return running.child.pid;
    },
    async start() {
      running = await startProcess(options, Number(new URL(url).port));
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

async function startProcess(options: FrontOptions, port: number): Promise<{ child: ChildProcess; url: string }> {
  const args = ['--data', options.dataFolder, '--port', String(port), '--user', options.username ?? 'default'];
  const child = fork(path.join(import.meta.dirname, 'main.ts'), args, {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    execArgv: [],
    env: { ...process.env, UV_THREADPOOL_SIZE: '16', METERLINE_FRONT_PASSWORD: options.password ?? '' },
  });
  const exited = once(child, 'exit').then(() => {
    throw new Error(`the ClickHouse front ended before it listened on port ${port}`);
  });
  const listening = (async () => {
    if (child.stdout === null) throw new Error('the ClickHouse front has no output');
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /^listening on (\S+)$/.exec(line)?.[1];
      if (url !== undefined) return url;
    }
    return exited;
  })();
  const url = await Promise.race([listening, exited]);
  // Later than this its end is no error: whoever kills it knows.
  exited.catch(() => undefined);
  return { child, url };
}
