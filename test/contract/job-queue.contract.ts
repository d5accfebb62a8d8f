import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobHandle, JobQueue } from '@meterline/pipeline/ports';

/** What every `JobQueue` promises. Each test has a queue of its own name. */
export function jobQueueContract(
  name: string,
  open: () => Promise<{ jobs: JobQueue; reopen(): Promise<JobQueue>; close(): Promise<void> }>,
): void {
  describe(`${name} as JobQueue`, () => {
    let opened: Awaited<ReturnType<typeof open>>;
    let jobs: JobQueue;
    beforeAll(async () => {
      opened = await open();
      jobs = opened.jobs;
    });
    afterAll(() => opened.close());

    test('every job runs with its data, at most `concurrency` of them at a time', async () => {
      const sent = Array.from({ length: 12 }, (_, index) => ({ index, nested: { text: 'ü' } }));
      for (const data of sent) await jobs.enqueue('all', data, { jobId: String(data.index) });
      expect(await jobs.counts('all')).toEqual({ waiting: 12, active: 0, failed: 0 });
      const seen: unknown[] = [];
      let active = 0;
      let activeMax = 0;
      const done = Promise.withResolvers<undefined>();
      await jobs.process(
        'all',
        async (data, job) => {
          activeMax = Math.max(activeMax, (active += 1));
          await new Promise((resolve) => setTimeout(resolve, 5));
          active -= 1;
          expect(job).toEqual({ id: String((data as { index: number }).index), attempt: 1 });
          if (seen.push(data) === sent.length) done.resolve(undefined);
        },
        { concurrency: 3 },
      );
      await done.promise;
      expect(seen).toHaveLength(12);
      expect(seen).toEqual(expect.arrayContaining(sent));
      expect(activeMax).toBeGreaterThan(1);
      expect(activeMax).toBeLessThanOrEqual(3);
    });

    test('a job enqueued while the worker is idle runs at once', async () => {
      const ran = Promise.withResolvers<string>();
      await jobs.process('idle', (_, job) => {
        ran.resolve(job.id);
        return Promise.resolve();
      });
      await new Promise((resolve) => setTimeout(resolve, 200));
      const before = performance.now();
      await jobs.enqueue('idle', {}, { jobId: 'wake.up_now-1' });
      expect(await ran.promise).toBe('wake.up_now-1');
      expect(performance.now() - before).toBeLessThan(4000);
    });

    test('an id that waits or runs is taken once; after its completion it can be enqueued again', async () => {
      const ids: unknown[] = [];
      const release = Promise.withResolvers<undefined>();
      const first = Promise.withResolvers<undefined>();
      const last = Promise.withResolvers<undefined>();
      await jobs.enqueue('once', { round: 1 }, { jobId: 'same' });
      await jobs.enqueue('once', { round: 2 }, { jobId: 'same' });
      expect(await jobs.counts('once')).toMatchObject({ waiting: 1 });
      await jobs.process('once', async ({ round }) => {
        ids.push(round);
        if (round === 'last') last.resolve(undefined);
        else first.resolve(undefined);
        await release.promise;
      });
      await first.promise;
      await jobs.enqueue('once', { round: 3 }, { jobId: 'same' });
      release.resolve(undefined);
      await until(async () => (await jobs.counts('once')).active === 0);
      await jobs.enqueue('once', { round: 'last' }, { jobId: 'same' });
      await last.promise;
      expect(ids).toEqual([1, 'last']);
    });

    test('a failing job is tried again, later each time, and counts as failed when its attempts are used up', async () => {
      const at: number[] = [];
      const handles: JobHandle[] = [];
      let isBroken = true;
      const mended = Promise.withResolvers<undefined>();
      await jobs.process('retries', (_, job) => {
        at.push(performance.now());
        handles.push(job);
        if (isBroken) return Promise.reject(new Error('not yet'));
        mended.resolve(undefined);
        return Promise.resolve();
      });
      await jobs.enqueue('retries', {}, { jobId: 'stubborn', attemptsMax: 3, backoffMs: 100 });
      await until(async () => (await jobs.counts('retries')).failed === 1);
      expect(handles.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
      const [first = 0, second = 0, third = 0] = at;
      // timers of Node may fire a millisecond early
      expect(second - first).toBeGreaterThanOrEqual(95);
      expect(third - second).toBeGreaterThanOrEqual(195);

      isBroken = false;
      await jobs.enqueue('retries', {}, { jobId: 'stubborn' });
      await mended.promise;
      expect(handles.at(-1)).toEqual({ id: 'stubborn', attempt: 1 });
      expect(await jobs.counts('retries')).toMatchObject({ failed: 0 });
    });

    test('a job that is to wait runs behind those that need not, once', async () => {
      const ran: string[] = [];
      const both = Promise.withResolvers<undefined>();
      await jobs.process('waiting', (_, { id }) => {
        if (ran.push(id) === 2) both.resolve(undefined);
        return Promise.resolve();
      });
      const before = performance.now();
      await jobs.enqueue('waiting', {}, { jobId: 'later', delayMs: 300 });
      await jobs.enqueue('waiting', {}, { jobId: 'later' });
      await jobs.enqueue('waiting', {}, { jobId: 'now' });
      await both.promise;
      expect(ran).toEqual(['now', 'later']);
      expect(performance.now() - before).toBeGreaterThanOrEqual(295);
      expect(await jobs.counts('waiting')).toMatchObject({ waiting: 0 });
    });

    test('an id of other characters is refused', async () => {
      await expect(jobs.enqueue('ids', {}, { jobId: 'a:b' })).rejects.toMatchObject({ code: 'job.id_invalid' });
    });

    test('close waits for the active job and leaves the waiting ones for the next start', async () => {
      const started = Promise.withResolvers<undefined>();
      let finished = 0;
      await jobs.process('closing', async () => {
        started.resolve(undefined);
        await new Promise((resolve) => setTimeout(resolve, 200));
        finished += 1;
      });
      await jobs.enqueue('closing', {}, { jobId: 'a' });
      await jobs.enqueue('closing', {}, { jobId: 'b' });
      await started.promise;
      await jobs.close();
      expect(finished).toBe(1);
      jobs = await opened.reopen();
      expect(await jobs.counts('closing')).toEqual({ waiting: 1, active: 0, failed: 0 });
    });
  });
}

/** For states that no event tells of. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
