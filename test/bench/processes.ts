import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A child that answers messages; it ends when its parent does. */
export function child(script: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
  return fork(path.join(import.meta.dirname, script), {
    env: { ...process.env, UV_THREADPOOL_SIZE: '16', ...env },
    serialization: 'advanced',
  });
}

export async function ended(process: ChildProcess): Promise<void> {
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
}

/** The next message that is not of a kind to skip. Rejects if the child ends instead. */
export function answer<T>(from: ChildProcess, onOther?: (message: unknown) => boolean): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`a process of the benchmark ended with ${code}`));
    const onMessage = (message: unknown) => {
      if (onOther?.(message) === true) return;
      from.off('exit', onExit).off('message', onMessage);
      resolve(message as T);
    };
    from.on('message', onMessage).once('exit', onExit);
  });
}

/** Highest resident memory of a process so far, bytes (Linux; elsewhere NaN). */
export function peakMemory(pid: number): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return Number.NaN;
  }
}

export interface BenchServer {
  readonly url: string;
  readonly process: ChildProcess;
  /** From start to the first answer that it is ready. */
  readonly readyMs: number;
}

export async function startServer(dataFolder: string, adminKey: string): Promise<BenchServer> {
  const startedMs = performance.now();
  const settings = {
    METERLINE_DATA: dataFolder,
    METERLINE_PORT: '0',
    METERLINE_ADMIN_KEY: adminKey,
    METERLINE_WEBHOOK_ALLOW: 'loopback',
    METERLINE_INGEST_LAG_EVENTS_MAX: '0',
  };
  const server = child('server.ts', settings);
  const { url } = await answer<{ url: string }>(server);
  const ready = await fetch(new URL('/readyz', url));
  if (!ready.ok) throw new Error(`the server is not ready: ${await ready.text()}`);
  return { url, process: server, readyMs: performance.now() - startedMs };
}
