import { groupDigits } from '../render/digits.ts';
import { type AddCommand, examples } from '../session.ts';

interface Rebuilt {
  readonly invoiceRuns: number;
  readonly planMoves: number;
  readonly forgotten?: number;
}

export const queueCommand: AddCommand = (program, open) => {
  const queue = program.command('queue').description('the jobs that wait for a worker');

  queue
    .command('rebuild')
    .description('enqueue again whatever the billing store says is pending, after the queues (Redis) were lost')
    .option('--balances', 'also forget what is kept for entitlement checks: it is made again from the stores')
    .addHelpText('after', examples('meterline queue rebuild', 'meterline queue rebuild --balances'))
    .action(async ({ balances }: { balances?: boolean }) => {
      const { client, show } = await open();
      const runs = (await client.post('/v1/queues/rebuild')) as Rebuilt;
      const kept = balances === true ? ((await client.post('/v1/entitlements/rebuild')) as Pick<Rebuilt, 'forgotten'>) : {};
      const answer = { ...runs, ...kept };
      show(answer, () => rebuiltText(answer));
    });
};

function rebuiltText({ invoiceRuns, planMoves, forgotten }: Rebuilt): string {
  const pending = [
    ...(invoiceRuns === 0 ? [] : [`${invoiceRuns} invoice ${invoiceRuns === 1 ? 'run' : 'runs'}`]),
    ...(planMoves === 0 ? [] : [`${planMoves} plan ${planMoves === 1 ? 'move' : 'moves'}`]),
  ];
  const lines = [pending.length === 0 ? 'Nothing is pending.' : `Pending and enqueued: ${pending.join(', ')}.`];
  if (forgotten !== undefined)
    lines.push(`Balances forgotten, to be made again from the stores: ${groupDigits(String(forgotten))}.`);
  return lines.join('\n');
}
