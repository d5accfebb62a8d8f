import { instantArgument } from '../instants.ts';
import { type AddCommand, examples } from '../session.ts';

interface ClockAnswer {
  readonly now: string;
  readonly test: boolean;
}

export const clockCommand: AddCommand = (program, open) => {
  const clock = program.command('clock').description("the server's time");

  clock
    .command('get')
    .description('print the time by which everything is billed')
    .addHelpText('after', examples('meterline clock get'))
    .action(async () => {
      const { client, show } = await open();
      const answer = (await client.get('/v1/clock')) as ClockAnswer;
      show(answer, () => clockText(answer));
    });

  clock
    .command('set')
    .argument('<instant>', 'RFC 3339, or a date (midnight UTC)')
    .description('move a test clock forward (a server started with METERLINE_TEST_CLOCK)')
    .addHelpText('after', examples('meterline clock set 2023-12-01T00:10:00Z'))
    .action(async (instant: string) => {
      const { client, show } = await open();
      const answer = (await client.post('/v1/clock', { now: instantArgument(instant) })) as ClockAnswer;
      show(answer, () => clockText(answer));
    });
};

function clockText({ now, test }: ClockAnswer): string {
  return `${now}${test ? '  (test clock)' : ''}`;
}
