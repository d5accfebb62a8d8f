import { existsSync } from 'node:fs';
import http from 'node:http';
import { homedir } from 'node:os';
import path from 'node:path';

type Endpoint = Pick<http.RequestOptions, 'socketPath' | 'host' | 'port'>;

/** One limit for connecting and answering: a daemon that hangs counts as none. */
const DEADLINE_MS = 400;

/** Why containers cannot be used here, or undefined if a Docker engine answers. */
export async function dockerTrouble(): Promise<string | undefined> {
  const found = endpoints();
  if (found.length === 0) return 'no Docker socket';
  for (const endpoint of found) if ((await status(endpoint, '/_ping')) === 200) return undefined;
  return `no Docker engine answered within ${DEADLINE_MS} ms`;
}

/** In the order in which testcontainers tries them. */
function endpoints(): Endpoint[] {
  const named = process.env['DOCKER_HOST'];
  if (named !== undefined && named !== '') {
    const { protocol, hostname, pathname, port } = new URL(named);
    return [protocol === 'unix:' ? { socketPath: pathname } : { host: hostname, port: Number(port || 2375) }];
  }
  const runtimeFolder = process.env['XDG_RUNTIME_DIR'] ?? `/run/user/${process.getuid?.() ?? 0}`;
  return [
    '/var/run/docker.sock',
    path.join(runtimeFolder, 'docker.sock'),
    path.join(homedir(), '.docker/run/docker.sock'),
    path.join(homedir(), '.docker/desktop/docker.sock'),
  ]
    .filter((socket) => existsSync(socket))
    .map((socketPath) => ({ socketPath }));
}

/** 0 without an answer. */
function status(endpoint: Endpoint, route: string): Promise<number> {
  return new Promise((resolve) => {
    const request = http.get({ ...endpoint, path: route }, (answer) => {
      answer.resume();
      end(answer.statusCode ?? 0);
    });
    const timer = setTimeout(() => end(0), DEADLINE_MS);
    request.on('error', () => end(0));
    function end(code: number): void {
      clearTimeout(timer);
      request.destroy();
      resolve(code);
    }
  });
}
