import { runTask } from '@meterline/composition/service';
import { Fault } from '@meterline/domain/faults';
import { systemClock } from '@meterline/runtime/clock';
import { planReplay, replayTopic, type ReplayPhase, type ReplayPlan } from './replay/replay-topic.ts';

/** What "meterline log replay", whose child this is, hears of it. */
export type ReplayMessage =
  | { readonly type: 'progress'; readonly phase: ReplayPhase; readonly done: number; readonly total: number }
  | { readonly type: 'plan'; readonly plan: ReplayPlan }
  | { readonly type: 'replayed'; readonly records: number }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };

const isDryRun = process.argv.includes('dry-run');
/** Resolves when the parent, if there is one that listens, has it or is gone. */
const tell = (message: ReplayMessage): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });

await runTask({
  service: 'replay',
  about: 'Counts the topic from its start as a new log, into an empty usage store: run it as "meterline log replay".',
  defaults: { METERLINE_BACKEND: 'distributed' },
  async work(context) {
    try {
      if (isDryRun) {
        await tell({ type: 'plan', plan: await planReplay(context) });
        return;
      }
      const clock = systemClock();
      const onProgress = (phase: ReplayPhase, done: number, total: number) => void tell({ type: 'progress', phase, done, total });
      const records = await replayTopic(context, { nowMs: () => clock.nowMs(), onProgress });
      await tell({ type: 'replayed', records });
      context.logger.info({ records }, 'the topic was counted anew');
    } catch (error) {
      const code = error instanceof Fault ? error.code : 'replay.failed';
      await tell({ type: 'failed', code, message: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  },
});
// The parent's channel alone must not keep the process.
process.channel?.unref();
