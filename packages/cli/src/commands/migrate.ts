import type { Environment } from '../connection.ts';
import { CliError } from '../errors.ts';
import { runMover, type Moved, type MovePlan } from '../mover.ts';
import { groupDigits } from '../render/digits.ts';
import { table } from '../render/table.ts';
import { type AddCommand, examples } from '../session.ts';
import type { Terminal } from '../terminal.ts';

/** It asks no server, so it opens no session: both sides are reached through their engines. */
export const migrateCommand =
  (terminal: Terminal, env: Environment): AddCommand =>
  (program) => {
    program
      .command('migrate')
      .description('move a standalone data folder into a distributed deployment, with nothing lost')
      .requiredOption('--from <folder>', 'data folder of the standalone server, which must be stopped')
      .requiredOption('--to-env', 'into what the METERLINE_* settings of this environment name, as for the services')
      .option('--dry-run', 'only say what would be moved')
      .addHelpText(
        'after',
        examples('meterline migrate --from ./data --to-env --dry-run', 'meterline migrate --from ./data --to-env'),
      )
      .addHelpText('after', '\nKilled at any point, it goes on when it is run again. The folder stays as it is, marked as moved.')
      .action(async ({ from, dryRun = false }: { from: string; dryRun?: boolean }) => {
        const json = program.opts<{ json?: boolean }>().json === true;
        const outcome = await runMover({ dataFolder: from, isDryRun: dryRun, terminal, env });
        const text = outcome.type === 'plan' ? planText(outcome.plan) : movedText(outcome.result, terminal);
        terminal.print(json ? JSON.stringify(outcome.type === 'plan' ? outcome.plan : outcome.result, null, 2) : text);
        if (outcome.type === 'moved' && differing(outcome.result) > 0)
          throw new CliError(
            1,
            'move.differs',
            `${differing(outcome.result)} figures differ, so the move is not ended: nothing was started on the new side, and the data folder is as it was.`,
          );
      });
  };

function differing({ figures }: Moved): number {
  return figures.filter(({ before, after }) => before !== after).length;
}

function planText({ dataFolder, records, pending, meters, configVersions, tables, to }: MovePlan): string {
  const rows = [
    ['records of the event log', groupDigits(String(records))],
    ...(pending > 0 ? [['records to be counted before', groupDigits(String(pending))]] : []),
    ['meters', String(meters)],
    ['configuration versions', String(configVersions)],
    ...tables.filter((each) => each.rows > 0).map((each) => [`rows of ${each.table}`, groupDigits(String(each.rows))]),
  ];
  return [
    `Would move ${dataFolder} into topic ${to.topic} (${to.partitions} partitions) and ${to.usageStore}:`,
    table([{ title: 'What' }, { title: 'Count', align: 'right' }], rows),
  ].join('\n');
}

function movedText({ figures, records }: Moved, { paint }: Terminal): string {
  const rows = figures.map(({ what, before, after }) => [
    before === after ? paint('green', 'same') : paint('red', 'DIFFERS'),
    what,
    shortened(before),
    shortened(after),
  ]);
  return [
    table([{ title: '' }, { title: 'Figure' }, { title: 'Data folder' }, { title: 'New deployment' }], rows),
    ...(differing({ figures, records }) > 0
      ? []
      : [`${groupDigits(String(records))} records moved. Run "npm run migrate", then start the services.`]),
  ].join('\n');
}

/** A digest says enough by its beginning. */
function shortened(text: string): string {
  return /^[0-9a-f]{32}$/.test(text) ? text.slice(0, 12) : text;
}
