// Works on one job that never ends, and says so when it has begun. `node redis-job-worker.ts <url> <prefix> <lockMs>`
import fs from 'node:fs';
import { openRedisQueue } from '@meterline/backends/redis';

const [, , url = '', prefix = '', lockMs = ''] = process.argv;
const jobs = await openRedisQueue({
  url,
  prefix,
  lockMs: Number(lockMs),
  onError: (error) => {
    throw error;
  },
});
await jobs.process('cut-off', async (data, { attempt }) => {
  fs.writeSync(1, `${JSON.stringify({ ...data, attempt })}\n`);
  await new Promise(() => undefined);
});
await jobs.enqueue('cut-off', { customer: 'acme' }, { jobId: 'rate-acme' });
