import { setTimeout as sleep } from 'node:timers/promises';
import { instantArgument } from '../instants.ts';
import { type AddCommand, examples } from '../session.ts';

interface ClockAnswer {
  readonly now: string;
  readonly test: boolean;
  readonly movingTo: string | null;
}

const LOOK_EVERY_MS = 500;

export const clockCommand: AddCommand = (program, open) => {
  const clock = program.command('clock').description('the time by which everything of the tenant is billed');

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
    .description(
      'move the clock of a sandbox forward and wait for what is due, or the test clock of a server (METERLINE_TEST_CLOCK)',
    )
    .addHelpText('after', examples('meterline clock set 2023-12-01T00:10:00Z'))
    .action((instant: string) => move({ now: instantArgument(instant) }));

  clock
    .command('advance')
    .argument('<duration>', 'ISO 8601, by the calendar: P1M, P2W, P1DT12H')
    .description('move the clock of a sandbox on by so much and wait for what is due, or the test clock of a server')
    .addHelpText('after', examples('meterline clock advance P1M'))
    .action((advance: string) => move({ advance }));

  /** Waits until the clock has arrived. */
  async function move(body: object): Promise<void> {
    const { client, terminal, show } = await open();
    let answer = (await client.post('/v1/clock', body)) as ClockAnswer;
    while (answer.movingTo !== null) {
      terminal.tell(`at ${answer.now}`);
      await sleep(LOOK_EVERY_MS);
      answer = (await client.get('/v1/clock')) as ClockAnswer;
    }
    show(answer, () => clockText(answer));
  }
};

function clockText({ now, test, movingTo }: ClockAnswer): string {
  return `${now}${test ? '  (can be moved)' : ''}${movingTo === null ? '' : `  on its way to ${movingTo}`}`;
}
