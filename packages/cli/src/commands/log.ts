import type { Environment } from '../connection.ts';
import { runEngineTask } from '../engine-task.ts';
import { CliError } from '../errors.ts';
import { groupDigits } from '../render/digits.ts';
import { table } from '../render/table.ts';
import { type AddCommand, examples } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface ReplayPlan {
  readonly topic: string;
  readonly usageStore: string;
  readonly partitions: number;
  readonly records: number;
  readonly configVersions: number;
  readonly backfills: number;
  readonly underWay: boolean;
  readonly obstacles: readonly { readonly code: string; readonly message: string }[];
}

type Outcome = { readonly type: 'plan'; readonly plan: ReplayPlan } | { readonly type: 'replayed'; readonly records: number };

const PHASES = { usage: 'usage to ClickHouse   ', backfills: 'backfills             ' };

/** It asks no server, so it opens no session: the engines are reached by the settings of the services. */
export const logCommand =
  (terminal: Terminal, env: Environment): AddCommand =>
  (program) => {
    program
      .command('log')
      .description('the event log of a distributed deployment')
      .command('replay')
      .description('count the Kafka topic from its start again, as a new log, into an empty usage store')
      .requiredOption('--to-env', 'on the engines that the METERLINE_* settings of this environment name, as for the services')
      .option('--dry-run', 'only say what would be counted, and what forbids it')
      .addHelpText('after', examples('meterline log replay --to-env --dry-run', 'meterline log replay --to-env'))
      .addHelpText(
        'after',
        '\nStop every service first. Killed at any point, it goes on when it is run again; no service starts before its end.',
      )
      .action(async ({ dryRun = false }: { dryRun?: boolean }) => {
        const json = program.opts<{ json?: boolean }>().json === true;
        const outcome = await runEngineTask<Outcome>({
          main: 'services/aggregator/src/replay-main.ts',
          args: dryRun ? ['dry-run'] : [],
          phases: PHASES,
          onStopped: {
            code: 'replay.stopped',
            message: 'The replay stopped before its end. Run the same command again: it goes on where it was.',
          },
          terminal,
          env,
        });
        if (outcome.type === 'replayed') {
          const { records } = outcome;
          const text = `${groupDigits(String(records))} records counted anew. Start the services with the same settings, then run "meterline reconcile".`;
          terminal.print(json ? JSON.stringify({ records }, null, 2) : text);
          return;
        }
        const { plan } = outcome;
        terminal.print(json ? JSON.stringify(plan, null, 2) : planText(plan));
        const [first] = plan.obstacles;
        if (first !== undefined) throw new CliError(1, first.code, 'The topic cannot be replayed now.');
      });
  };

function planText({
  topic,
  usageStore,
  partitions,
  records,
  configVersions,
  backfills,
  underWay,
  obstacles,
}: ReplayPlan): string {
  const rows = [
    ['records', groupDigits(String(records))],
    ['configuration versions', String(configVersions)],
    ['backfills', String(backfills)],
  ];
  return [
    `Would count topic ${topic} (${partitions} partitions) from its start into ${usageStore}:`,
    table([{ title: 'What' }, { title: 'Count', align: 'right' }], rows),
    ...(underWay ? ['It was begun and not ended: it would go on where it was.'] : []),
    ...obstacles.map(({ code, message }) => `Forbidden by ${code}: ${message}.`),
  ].join('\n');
}
