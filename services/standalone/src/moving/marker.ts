import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Fault } from '@meterline/domain/faults';

const FILE = 'moved.json';

/** Says in a data folder that its usage counts elsewhere now. */
export function markMoved(dataFolder: string, to: Readonly<Record<string, unknown>>): void {
  writeFileSync(path.join(dataFolder, FILE), `${JSON.stringify(to, null, 2)}\n`, { mode: 0o600, flush: true });
}

/** A server on a folder that was moved would take in events that the new deployment never sees. Fails with `data_folder.moved`. */
export function refuseMoved(dataFolder: string): void {
  const file = path.join(dataFolder, FILE);
  if (!existsSync(file)) return;
  throw new Fault(
    'conflict',
    'data_folder.moved',
    `this data folder was moved to a distributed deployment: ${readFileSync(file, 'utf8').replaceAll(/\s+/g, ' ').trim()} ` +
      `Start that one. To start here all the same, with figures that go apart from now on, remove ${file}.`,
  );
}
