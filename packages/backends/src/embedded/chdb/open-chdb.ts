import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { Fault } from '@meterline/domain/faults';
import type { Session } from 'chdb';
import { createChdbConnection } from './connection.ts';
import { writeEngineConfig } from './engine-config.ts';
import { createSessionPool } from './session-pool.ts';

export interface Chdb {
  readonly client: ClickHouseClient;
  /** Waits for running statements and frees the folder. */
  close(): Promise<void>;
}

/**
 * Opens the ClickHouse engine inside this process on `folder` (created if missing), behind the same client a server is used with.
 * Statements run in the database `metering` (Atomic) unless they name another; up to `poolSize` (default 3) run at once, later ones
 * wait. A running statement holds one thread of Node's pool.
 *
 * One folder per process and one process per folder: otherwise it fails with the Fault `clickhouse.engine_in_use` or
 * `clickhouse.folder_in_use`. Never call this in a worker thread: the engine crashes when the thread ends.
 */
export async function openChdb(options: { folder: string; poolSize?: number }): Promise<Chdb> {
  const folder = path.resolve(options.folder);
  const spoolFolder = path.join(folder, 'spool');
  const connectionArgs = writeEngineConfig(path.join(folder, 'config'));
  const dataFolder = path.join(folder, 'data');
  // Loaded on first use: the library is large, and must not get into worker threads that import this module for something else.
  const engine = await import('chdb');
  const bare = () => new engine.Session(dataFolder, { connectionArgs });
  const open = () => {
    const session = bare();
    session.query('USE metering');
    return session;
  };
  const control = openFirst(bare, dataFolder);
  try {
    // The spool belongs to the process that holds the engine's lock; what a killed one left is no longer wanted.
    rmSync(spoolFolder, { recursive: true, force: true });
    mkdirSync(spoolFolder, { recursive: true });
    control.query('CREATE DATABASE IF NOT EXISTS metering ENGINE = Atomic');
    const pool = createSessionPool(options.poolSize ?? 3, open);
    const client = createClient({ connection: createChdbConnection(pool, control, spoolFolder) });
    return {
      client,
      async close() {
        await client.close();
        await engine.drainPending();
      },
    };
  } catch (error) {
    control.close();
    throw error;
  }
}

function openFirst(open: () => Session, dataFolder: string): Session {
  try {
    return open();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const holder = holderOf(dataFolder);
    if (holder !== undefined && holder !== process.pid) {
      throw new Fault(
        'conflict',
        'clickhouse.folder_in_use',
        `process ${String(holder)} uses ${dataFolder}: stop it, or choose another folder`,
        { cause },
      );
    }
    if (/only one active data directory/.test(reason)) {
      throw new Fault(
        'conflict',
        'clickhouse.engine_in_use',
        `this process has the engine open on another folder than ${dataFolder}`,
        { cause },
      );
    }
    throw new Fault(
      'unavailable',
      'clickhouse.open_failed',
      `the engine cannot open ${dataFolder} (its own message is on standard error)`,
      { cause },
    );
  }
}

/** The living process that the engine's lock file names; the engine itself says only that it failed. */
function holderOf(dataFolder: string): number | undefined {
  const statusFile = path.join(dataFolder, 'status');
  const pid = existsSync(statusFile) ? /^PID: (\d+)/m.exec(readFileSync(statusFile, 'utf8'))?.[1] : undefined;
  return pid !== undefined && isAlive(Number(pid)) ? Number(pid) : undefined;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, but belongs to someone else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
