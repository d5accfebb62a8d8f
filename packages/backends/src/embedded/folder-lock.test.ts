import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { startScript } from '../../../../test/support/child-process.ts';
import { lockFolder } from './folder-lock.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'meterline-lock-'));
const holder = path.join(import.meta.dirname, '../../../../test/contract/child/lock-holder.ts');
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

test('a folder held by another process is refused with its id, and free as soon as that process is killed', async () => {
  const target = path.join(folder, 'data');
  for (let round = 0; round < 3; round += 1) {
    const other = startScript(holder, [target]);
    onTestFinished(() => other.kill());
    expect(await other.lines.next()).toMatchObject({ value: 'locked' });
    expect(() => lockFolder(target)).toThrow(
      expect.objectContaining({ code: 'data_folder.in_use', message: expect.stringContaining(String(other.pid)) as string }),
    );
    await other.kill();
    lockFolder(target).release();
  }
});

test('the same process is refused as well, by whatever path it comes, until the lock is released', () => {
  const target = path.join(folder, 'own');
  const first = lockFolder(target);
  fs.symlinkSync(target, path.join(folder, 'alias'));
  expect(() => lockFolder(path.join(folder, 'alias'))).toThrow(expect.objectContaining({ code: 'data_folder.in_use' }));
  first.release();
  first.release();
  lockFolder(target).release();
});
