import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { openBullmqQueue, openPglite } from '@meterline/backends/embedded';
import { startScript } from '../support/child-process.ts';
import { jobQueueContract } from './job-queue.contract.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'meterline-jobs-'));
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

jobQueueContract('BullMQ on PGlite', async () => {
  const database = await openPglite({ folder: null });
  const opened: { close(): Promise<void> }[] = [];
  const open = async () => {
    const jobs = await openBullmqQueue({ database, onError: (error) => expect(error.message).toBe('not yet') });
    opened.push(jobs);
    return jobs;
  };
  return {
    jobs: await open(),
    reopen: open,
    close: async () => {
      await opened.at(-1)?.close();
      await database.close();
    },
  };
});

test('a job cut off by SIGKILL, any number of times, runs again at the next start', async () => {
  for (let round = 1; round <= 2; round += 1) {
    const worker = startScript(path.join(import.meta.dirname, 'child/job-worker.ts'), [folder]);
    onTestFinished(() => worker.kill());
    const { value } = await worker.lines.next();
    expect(JSON.parse(String(value))).toMatchObject({ customer: 'acme' });
    await worker.kill();
  }
  const database = await openPglite({ folder });
  const errors: Error[] = [];
  const jobs = await openBullmqQueue({ database, onError: (error) => errors.push(error) });
  const ran = Promise.withResolvers<string>();
  await jobs.process('cut-off', (_, job) => {
    ran.resolve(job.id);
    return Promise.resolve();
  });
  expect(await ran.promise).toBe('rate-acme');
  await jobs.close();
  await database.close();
  expect(errors).toEqual([]);
}, 60_000);
