import { type AddCommand, examples } from '../session.ts';

interface Rebuilt {
  readonly invoiceRuns: number;
}

export const queueCommand: AddCommand = (program, open) => {
  const queue = program.command('queue').description('the jobs that wait for a worker');

  queue
    .command('rebuild')
    .description('enqueue again whatever the billing store says is pending, after the queues (Redis) were lost')
    .addHelpText('after', examples('meterline queue rebuild'))
    .action(async () => {
      const { client, show } = await open();
      const answer = (await client.post('/v1/queues/rebuild')) as Rebuilt;
      show(answer, () => rebuiltText(answer));
    });
};

function rebuiltText({ invoiceRuns }: Rebuilt): string {
  if (invoiceRuns === 0) return 'Nothing is pending.';
  return `Pending and enqueued: ${invoiceRuns} invoice ${invoiceRuns === 1 ? 'run' : 'runs'}.`;
}
