import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { freePort, startChild, untilReady, type Child } from './child.ts';
import type { Addresses, Started } from './names.ts';

const STANDARD_URL = 'redis://127.0.0.1:6379';

/** A Redis of our own that keeps nothing on disk. */
export interface OwnRedis extends Started<Addresses['redis']> {
  /** SIGKILL; resolves when it is gone, with everything it held. */
  kill(): Promise<void>;
  /** Starts the killed one again, empty, on the same port. */
  start(): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nothing, until `resume`. */
  pause(): void;
  resume(): void;
}

export function redisBinary(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

export async function startRedis(): Promise<OwnRedis> {
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'meterline-redis-'));
  const url = `redis://127.0.0.1:${port}`;
  const start = async (): Promise<Child> => {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
    const child = startChild('redis-server', args);
    await untilReady('redis-server', child, async () => (pid = await processId(url)));
    return child;
  };
  let pid = 0;
  let child = await start();
  return {
    address: { url },
    used: `redis-server on port ${port}`,
    async kill() {
      process.kill(pid, 'SIGKILL');
      await child.ended;
    },
    async start() {
      child = await start();
    },
    pause: () => void process.kill(pid, 'SIGSTOP'),
    resume: () => void process.kill(pid, 'SIGCONT'),
    async stop() {
      if (!child.hasEnded) process.kill(pid, 'SIGCONT');
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One that runs already, on the standard port. */
export async function runningRedis(): Promise<Started<Addresses['redis']>> {
  await pingRedis(STANDARD_URL);
  return { address: { url: STANDARD_URL }, used: `the one running at ${STANDARD_URL}`, stop: async () => {} };
}

export async function pingRedis(url: string): Promise<void> {
  await processId(url);
}

/** Fails if none answers. */
async function processId(url: string): Promise<number> {
  const client = new Redis(url, { lazyConnect: true, connectTimeout: 1000, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
  } finally {
    client.disconnect();
  }
}
