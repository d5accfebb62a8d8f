import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort, startChild, untilReady, type Child } from './child.ts';
import { mayCreateDatabases } from './local-postgres.ts';
import type { Addresses, Started } from './names.ts';

const run = promisify(execFile);

/** nobody: PostgreSQL refuses to run as root. */
const NOBODY = 65534;
/** Of the machine, that is: what is committed survives every kill, as the pages are the kernel's by then. */
const NO_DURABILITY = ['fsync=off', 'full_page_writes=off'].flatMap((setting) => ['-c', setting]);

/** A PostgreSQL of our own, on the same port over every restart. */
export interface OwnPostgres extends Started<Addresses['postgres']> {
  /** SIGKILL to the server and every process of it, as when its machine dies; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts the killed one again on its data. */
  start(): Promise<void>;
}

/** Whether `startPostgres` can work here. */
export const postgresBinary = (): boolean => binaries() !== undefined;

/** A server of our own; without `dataFolder` in a temporary one, which goes when it is stopped. */
export async function startPostgres({ dataFolder }: { dataFolder?: string } = {}): Promise<OwnPostgres> {
  const bin = binaries();
  if (bin === undefined) throw new Error('no initdb and postgres binaries');
  const uid = process.getuid?.() === 0 ? NOBODY : undefined;
  const folder = dataFolder ?? mkdtempSync(path.join(tmpdir(), 'meterline-postgres-'));
  await initialise(bin, folder, uid);
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const start = async (): Promise<Child> => {
    const args = ['-D', folder, '-h', '127.0.0.1', '-p', String(port), '-k', '', '-c', 'max_connections=200', ...NO_DURABILITY];
    const child = startChild(path.join(bin, 'postgres'), args, { signal: 'INT', uid, cwd: folder });
    await untilReady('postgres', child, () => mayCreateDatabases(url));
    return child;
  };
  let child = await start();
  return {
    address: { url },
    used: `${path.join(bin, 'postgres')} on port ${port}`,
    async kill() {
      const server = Number(readFileSync(path.join(folder, 'postmaster.pid'), 'utf8').split('\n')[0]);
      for (const pid of [server, ...(await childrenOf(server))]) killIfAlive(pid);
      await child.ended;
    },
    async start() {
      child = await start();
    },
    async stop() {
      await child.stop();
      if (dataFolder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function initialise(bin: string, folder: string, uid: number | undefined): Promise<void> {
  if (existsSync(path.join(folder, 'PG_VERSION'))) return;
  mkdirSync(folder, { recursive: true });
  if (uid !== undefined) chownSync(folder, uid, uid);
  const args = ['-N', '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8', '-D', folder];
  await run(path.join(bin, 'initdb'), args, { cwd: folder, ...(uid !== undefined && { uid, gid: uid }) });
}

async function childrenOf(parent: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return rows.flatMap(([pid, ppid]) => (ppid === parent && pid !== undefined ? [pid] : []));
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // its backends end by themselves, too, once they see that it is gone
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** The folder of the newest server programs. */
function binaries(): string | undefined {
  const roots = ['/usr/lib/postgresql', '/usr/local/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'].filter((root) =>
    existsSync(root),
  );
  const versions = roots.flatMap((root) => readdirSync(root).map((name) => path.join(root, name, 'bin')));
  const folders = [...versions, ...(process.env['PATH'] ?? '').split(':')];
  return folders
    .filter((folder) => existsSync(path.join(folder, 'initdb')) && existsSync(path.join(folder, 'postgres')))
    .sort()
    .at(-1);
}
