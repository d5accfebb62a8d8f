import type { Environment } from './connection.ts';
import { runEngineTask } from './engine-task.ts';
import type { Terminal } from './terminal.ts';

export interface MovePlan {
  readonly dataFolder: string;
  readonly records: number;
  readonly pending: number;
  readonly meters: number;
  readonly configVersions: number;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  readonly to: { readonly topic: string; readonly partitions: number; readonly usageStore: string };
}

export interface Moved {
  readonly records: number;
  /** One figure on both sides; as text, so that equal means equal in every digit. */
  readonly figures: readonly { readonly what: string; readonly before: string; readonly after: string }[];
}

type Outcome = { readonly type: 'plan'; readonly plan: MovePlan } | { readonly type: 'moved'; readonly result: Moved };

const PHASES: Readonly<Record<string, string>> = {
  settle: 'finish what was begun ',
  check: 'reconcile the folder  ',
  records: 'records to Kafka      ',
  tables: 'rows to PostgreSQL    ',
  usage: 'usage to ClickHouse   ',
  backfills: 'backfills             ',
  compare: 'compare both sides    ',
};

/** Runs the mover, which has the engines of both sides. */
export function runMover(options: {
  readonly dataFolder: string;
  readonly isDryRun: boolean;
  readonly terminal: Terminal;
  readonly env: Environment;
}): Promise<Outcome> {
  const { dataFolder, isDryRun, ...where } = options;
  return runEngineTask<Outcome>({
    ...where,
    main: 'services/standalone/src/move-main.ts',
    args: [dataFolder, isDryRun ? 'dry-run' : 'move'],
    phases: PHASES,
    onStopped: {
      code: 'move.stopped',
      message: 'The move stopped before its end. Run the same command again: it goes on where it was.',
    },
  });
}
