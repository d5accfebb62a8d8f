import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { meterlineWith } from './fixture.ts';

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meterline-migrate-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

it('migrate says of a folder that is none of Meterline, and of settings that are not valid, why nothing can be moved', async () => {
  const folder = await emptyFolder();
  const PATH = process.env['PATH'] ?? '';
  const unknown = await meterlineWith(['migrate', '--from', folder, '--to-env'], { PATH });
  expect(unknown.code).toBe(1);
  expect(unknown.err).toContain(`${folder} is not a data folder of Meterline (data_folder.unknown)`);
  const invalid = await meterlineWith(['migrate', '--from', folder, '--to-env'], { PATH, METERLINE_PARTITIONS: 'many' });
  expect(invalid.code).toBe(2);
  expect(invalid.err).toContain('METERLINE_PARTITIONS must be a whole number');
});

it('migrate asks for both sides', async () => {
  expect((await meterlineWith(['migrate', '--to-env'], {})).err).toContain("required option '--from <folder>'");
  expect((await meterlineWith(['migrate', '--from', 'data'], {})).err).toContain("required option '--to-env'");
});
