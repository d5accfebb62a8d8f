import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, route } from '../client.ts';
import { allItems } from '../pages.ts';
import { type MoveStep, type PlanMove, planMoveText } from '../render/plan-move.ts';
import { startProgress } from '../render/progress.ts';
import { type AddCommand, collect, examples } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface MoveOptions {
  readonly to: string;
  readonly when: string;
  readonly from?: readonly string[];
  readonly customer?: readonly string[];
  readonly except?: readonly string[];
  readonly dryRun?: boolean;
}

const POLL_MS = 200;

/** `plan move`, under the command `plan`. */
export const planMoveCommand: AddCommand = (plan, open) => {
  plan
    .command('move')
    .argument('<plan>', 'key of the plan')
    .requiredOption('--to <version>', 'number of a published version')
    .requiredOption('--when <time>', '"now", or "renewal": from the next billing period of each on')
    .option('--from <version>', 'only subscriptions under this version; may be repeated; default every other', collect)
    .option('--customer <key>', 'only this customer; may be repeated; default all', collect)
    .option('--except <key>', 'not this customer: it keeps its version; may be repeated', collect)
    .option('--dry-run', 'only say what would change')
    .description('move the subscriptions of a plan to another version of it')
    .addHelpText(
      'after',
      examples(
        'meterline plan move pro --to 3 --when renewal --dry-run',
        'meterline plan move pro --to 3 --from 2 --when now --except acme',
      ),
    )
    .action(async (key: string, options: MoveOptions) => {
      const { client, terminal, show } = await open();
      const { to, when, from, customer, except, dryRun } = options;
      const started = (await client.post(route`/v1/plans/${key}/moves`, {
        ...{ toVersion: Number(to), when },
        ...(from && { fromVersions: from.map(Number) }),
        ...(customer && { customers: customer }),
        ...(except && { exceptCustomers: except }),
        ...(dryRun && { dryRun }),
      })) as PlanMove;
      const move = await finishedMove(client, terminal, started);
      const steps = (await allItems(client, route`/v1/plans/${key}/moves/${move.id}/subscriptions`)) as MoveStep[];
      show({ ...move, subscriptions: steps }, () => planMoveText(move, steps));
    });
};

/** Waits as long as it takes: a move ends, whatever crashes meanwhile. */
async function finishedMove(client: Client, terminal: Terminal, started: PlanMove): Promise<PlanMove> {
  const progress = startProgress(terminal, started.dryRun ? 'subscriptions looked at' : 'subscriptions moved', started.total);
  let move = started;
  while (move.state !== 'complete') {
    await sleep(POLL_MS);
    move = (await client.get(route`/v1/plans/${move.plan}/moves/${move.id}`)) as PlanMove;
    progress.update(move.total - move.pending);
  }
  progress.stop();
  return move;
}
