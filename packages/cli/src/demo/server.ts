import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export const PROJECT_FOLDER = join(import.meta.dirname, '../../../..');
const MAIN = join(PROJECT_FOLDER, 'services/standalone/src/main.ts');
const LOG = 'server.log';
const STOP_TIMEOUT_MS = 15_000;

export interface DemoServer {
  readonly url: string;
  /** SIGTERM, and SIGKILL should it not heed that. */
  stop(): Promise<void>;
}

/** Starts Meterline as a process of its own, on a free port. Fails with the end of its log if it does not come up. */
export async function startServer(folder: string, settings: Readonly<Record<string, string>>): Promise<DemoServer> {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, METERLINE_PORT: '0', METERLINE_DATA: join(folder, 'data'), ...settings },
  });
  const log = createWriteStream(join(folder, LOG), { flags: 'a' });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const exited = once(child, 'exit');
  const stop = () => stopChild(child, exited);
  try {
    return { url: await listeningUrl(child.stdout, exited), stop };
  } catch (cause) {
    await stop();
    throw new Error(
      `The server did not start. Its log ends:
${await logTail(folder)}`,
      { cause },
    );
  }
}

async function listeningUrl(output: Readable, exited: Promise<unknown>): Promise<string> {
  const lines = createInterface({ input: output });
  const found = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      const url = /^\s*Listening\s+(http:\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const url = await Promise.race([found, exited.then(() => undefined)]);
  if (url === undefined) throw new Error('it ended before it listened');
  return url;
}

async function stopChild(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(kill);
}

/** The last lines the server logged. */
export async function logTail(folder: string): Promise<string> {
  const lines = (await readFile(join(folder, LOG), 'utf8')).trimEnd().split('\n');
  return lines.slice(-10).join('\n');
}
