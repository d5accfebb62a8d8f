import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '@meterline/domain/faults';

/**
 * Makes this process the only user of a data folder (made if missing) until `release` or its end, however it ends: the lock is the
 * kernel's own lock on a file, which SQLite takes for us because Node cannot, so there is never a stale one.
 * Throws `data_folder.in_use` if another process, or another part of this one, has it.
 */
export function lockFolder(folder: string): { release(): void } {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const real = fs.realpathSync(folder);
  const ownerFile = path.join(real, 'lock.pid');
  const file = new DatabaseSync(path.join(real, 'lock'));
  try {
    file.exec('begin exclusive');
  } catch (cause) {
    file.close();
    throw isBusy(cause) ? inUse(real, ownerFile, cause) : cause;
  }
  fs.writeFileSync(ownerFile, `${String(process.pid)}\n`, { mode: 0o600 });
  let isHeld = true;
  return {
    release() {
      if (!isHeld) return;
      isHeld = false;
      fs.rmSync(ownerFile, { force: true });
      file.close();
    },
  };
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function inUse(folder: string, ownerFile: string, cause: unknown): Fault {
  // The owner may be about to write its id, or about to leave.
  const owner = fs.existsSync(ownerFile) ? fs.readFileSync(ownerFile, 'utf8').trim() : '';
  const who = owner === '' ? 'another process' : `process ${owner}`;
  return new Fault('conflict', 'data_folder.in_use', `the data folder ${folder} is in use by ${who}`, { cause });
}
