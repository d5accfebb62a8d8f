import { runTask } from '@meterline/composition/service';
import { Fault } from '@meterline/domain/faults';
import { systemClock } from '@meterline/runtime/clock';
import { moveDataFolder, type MovePhase, type MovePlan, type MoveResult, planMove } from './moving/move.ts';

/** What "meterline migrate", whose child this is, hears of it. */
export type MoveMessage =
  | { readonly type: 'progress'; readonly phase: MovePhase; readonly done: number; readonly total: number }
  | { readonly type: 'plan'; readonly plan: MovePlan }
  | { readonly type: 'moved'; readonly result: MoveResult }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };

const [dataFolder = './data', mode] = process.argv.slice(2).filter((argument) => argument !== '--help');
const tell = (message: MoveMessage): void => void process.send?.(message);

await runTask({
  service: 'move',
  about: 'Moves a data folder of the standalone server into a distributed deployment: run it as "meterline migrate".',
  defaults: { METERLINE_BACKEND: 'distributed' },
  async work(context) {
    try {
      if (mode === 'dry-run') {
        tell({ type: 'plan', plan: await planMove(context, { dataFolder }) });
        return;
      }
      const onProgress = (phase: MovePhase, done: number, total: number) => tell({ type: 'progress', phase, done, total });
      tell({ type: 'moved', result: await moveDataFolder(context, { dataFolder, clock: systemClock(), onProgress }) });
    } catch (error) {
      const code = error instanceof Fault ? error.code : 'move.failed';
      tell({ type: 'failed', code, message: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  },
});
// The parent's channel alone would keep the process.
if (process.connected) process.disconnect();
