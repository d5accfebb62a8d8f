// Works on one job that never ends, and says so when it has begun. `node job-worker.ts <folder>`
import fs from 'node:fs';
import { openBullmqQueue, openPglite } from '@meterline/backends/embedded';

const [, , folder = ''] = process.argv;
const database = await openPglite({ folder });
const jobs = await openBullmqQueue({
  database,
  onError: (error) => {
    throw error;
  },
});
await jobs.process('cut-off', async (data, { attempt }) => {
  fs.writeSync(1, `${JSON.stringify({ ...data, attempt })}\n`);
  await new Promise(() => undefined);
});
await jobs.enqueue('cut-off', { customer: 'acme' }, { jobId: 'rate-acme' });
