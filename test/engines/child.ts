import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Child {
  readonly hasEnded: boolean;
  readonly ended: Promise<void>;
  /** The end of its standard error. */
  log(): string;
  stop(): Promise<void>;
}

const LOG_CHARACTERS = 4000;
const STOP_MS_MAX = 5000;

/**
 * Starts a server that must not outlive us: a shell waits for the end of our pipe to it, which comes when we stop the server, exit or are
 * killed, and passes it on as `signal`.
 */
export function startChild(
  command: string,
  args: readonly string[],
  { signal = 'TERM', uid, cwd }: { signal?: 'TERM' | 'INT'; uid?: number | undefined; cwd?: string } = {},
): Child {
  const script = `"$@" </dev/null & server=$!; { cat <&3 >/dev/null; kill -${signal} $server 2>/dev/null; } 3<&3 & watch=$!; wait $server; code=$?; kill $watch 2>/dev/null; exit $code`;
  const child = spawn('/bin/sh', ['-c', script, 'sh', command, ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
    ...(cwd !== undefined && { cwd }),
  });
  const exited = once(child, 'exit');
  let log = '';
  child.stderr?.on('data', (data: Buffer) => (log = (log + data.toString()).slice(-LOG_CHARACTERS)));
  child.on('error', (error) => (log += error.message));
  const pipe = child.stdio[3];
  pipe?.on('error', () => undefined);
  // What still waits at the other end of the pipe would keep us waiting, too.
  child.once('exit', () => pipe?.destroy());
  return {
    ended: exited.then(() => undefined),
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    log: () => log,
    async stop() {
      pipe?.destroy();
      await Promise.race([exited, sleep(STOP_MS_MAX, undefined, { ref: false })]);
      child.stderr?.destroy();
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until `attempt` no longer rejects. Fails with what the server wrote when it ends, or after `timeoutMs`. */
export async function untilReady(what: string, child: Child, attempt: () => Promise<unknown>, timeoutMs = 30_000): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const error = await attempt().then(() => undefined, (reason: unknown) => reason); // prettier-ignore
    if (error === undefined) return;
    if (child.hasEnded || Date.now() > deadlineMs) throw new Error(`${what} did not start: ${child.log()}`, { cause: error });
    await sleep(20);
  }
}
