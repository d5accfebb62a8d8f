import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openLmdbLog } from '@meterline/backends/embedded';
import type { EventLog } from '@meterline/pipeline/ports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventLogContract } from './event-log.contract.ts';

const newFolder = () => mkdtempSync(path.join(tmpdir(), 'meterline-log-'));

function temporaryFolder(): string {
  const folder = newFolder();
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

eventLogContract('event log on lmdb', async (partitionCount) => {
  const folder = newFolder();
  return {
    open: () => openLmdbLog({ folder, partitionCount }),
    remove: async () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

describe('event log on lmdb, in a folder', () => {
  it('refuses another number of partitions than it was created with', async () => {
    const folder = temporaryFolder();
    await (await openLmdbLog({ folder, partitionCount: 2 })).close();
    await expect(openLmdbLog({ folder, partitionCount: 3 })).rejects.toMatchObject({ code: 'event_log.partition_count' });
  });

  it('takes nothing once closed', async () => {
    const log = await openLmdbLog({ folder: temporaryFolder(), partitionCount: 1 });
    await log.close();
    await expect(log.append(batch(0, ['a']))).rejects.toMatchObject({ code: 'event_log.closed' });
  });

  it('finishes the appends it took before it closes', async () => {
    const folder = temporaryFolder();
    const log = await openLmdbLog({ folder, partitionCount: 1 });
    const taken = Array.from({ length: 20 }, (_, i) => log.append(batch(0, [`${i}`])));
    await log.close();
    expect(await Promise.all(taken)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('grows far beyond its first size', async () => {
    const log = await openLmdbLog({ folder: temporaryFolder(), partitionCount: 1 });
    const value = Buffer.alloc(1_000_000, 'x');
    for (let i = 0; i < 60; i++)
      await log.append({ partition: 0, tenant: 'default', appendedAtMs: 0, records: [{ kind: 'event', value }] });
    expect((await log.read(0, 59, { recordsMax: 1, bytesMax: 1 }))[0]?.value.length).toBe(1_000_000);
    await log.close();
  });

  it('holds every acknowledged append, and no hole, after its process was killed', async () => {
    const folder = temporaryFolder();
    for (let round = 0; round < 3; round++) {
      const acknowledged = await appendUntilKilled(folder, round, 100 + 70 * round);
      const log = await openLmdbLog({ folder, partitionCount: 2 });
      const stored = await Promise.all([readAll(log, 0), readAll(log, 1)]);
      await log.close();
      expect(acknowledged.length).toBeGreaterThan(0);
      for (const { partition, first, name, count } of acknowledged) {
        const expected = Array.from({ length: count }, (_, k) => `${name}/${k}/${count}`);
        expect(stored[partition]?.slice(first, first + count)).toEqual(expected);
      }
      for (const values of stored) expectWholeBatches(values);
    }
  }, 60_000);
});

function batch(partition: number, values: readonly string[]) {
  return {
    partition,
    tenant: 'default',
    appendedAtMs: 0,
    records: values.map((value) => ({ kind: 'event', value: Buffer.from(value) }) as const),
  };
}

/** Starts the appending process and kills it once `lineCount` batches were acknowledged: in the middle of others. */
async function appendUntilKilled(folder: string, round: number, lineCount: number) {
  const script = path.join(import.meta.dirname, 'event-log.child.ts');
  const child = spawn(process.execPath, [script, folder, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let lines = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    lines += text.split('\n').length - 1;
    if (lines >= lineCount) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return Array.from(output.matchAll(/^(\d+) (\d+) (\S+) (\d+)\n/gm), ([, partition, first, name, count]) => ({
    partition: Number(partition),
    first: Number(first),
    name: name ?? '',
    count: Number(count),
  }));
}

async function readAll(log: EventLog, partition: number): Promise<string[]> {
  const { next } = await log.bounds(partition);
  const values: string[] = [];
  while (values.length < next) {
    const records = await log.read(partition, values.length, { recordsMax: 997, bytesMax: 1_000_000 });
    for (const record of records) {
      expect(record.offset).toBe(values.length);
      values.push(Buffer.from(record.value).toString());
    }
  }
  return values;
}

/** Every batch is there from its first record to its last, once. */
function expectWholeBatches(values: readonly string[]): void {
  const seen = new Set<string>();
  for (let i = 0; i < values.length;) {
    const [, name = '', count = ''] = /^(.*)\/0\/(\d+)$/.exec(values[i] ?? '') ?? [];
    expect(values.slice(i, i + Number(count))).toEqual(Array.from({ length: Number(count) }, (_, k) => `${name}/${k}/${count}`));
    expect(seen.has(name)).toBe(false);
    seen.add(name);
    i += Number(count);
  }
}
