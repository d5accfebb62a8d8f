import { randomUUID } from 'node:crypto';
import { route } from '../client.ts';
import { CliError } from '../errors.ts';
import { type AddCommand, examples } from '../session.ts';

interface SendOptions {
  readonly type: string;
  readonly subject: string;
  readonly data?: string;
  readonly id?: string;
  readonly source: string;
  readonly time?: string;
}

const EVENT_MEDIA_TYPE = 'application/cloudevents+json';

export const eventCommand: AddCommand = (program, open) => {
  const event = program.command('event').description('single usage events');

  event
    .command('send')
    .requiredOption('--type <type>', 'what happened')
    .requiredOption('--subject <subject>', 'who used it')
    .option('--data <json>', 'a JSON object that meters read from')
    .option('--id <id>', 'the same id counts once; default a new one')
    .option('--source <source>', 'an id is known together with its source', 'cli')
    .option('--time <instant>', 'when it happened; default now')
    .description('send one usage event')
    .addHelpText('after', examples('meterline event send --type llm.call --subject acme --data \'{"input_tokens":"812"}\''))
    .action(async ({ id = randomUUID(), source, type, subject, time, data }: SendOptions) => {
      const { client, show } = await open();
      const envelope = JSON.stringify({ specversion: '1.0', id, source, type, subject, time });
      // Spliced in as text: to parse the data would round its long numbers.
      const body = data === undefined ? envelope : `${envelope.slice(0, -1)},"data":${checkedJson(data)}}`;
      const answer = await client.post('/v1/events', body, EVENT_MEDIA_TYPE);
      show(answer, () => `Stored event ${id} (source ${source}).`);
    });

  event
    .command('void')
    .argument('<id>', 'id of the event')
    .option('--source <source>', 'where it came from; needed if several sources used the id')
    .description('withdraw an event: it no longer counts')
    .addHelpText('after', examples('meterline event void call-4711 --source gateway'))
    .action(async (id: string, { source }: { source?: string }) => {
      const { client, show } = await open();
      const answer = (await client.post(route`/v1/events/${id}/void`, { source })) as { id: string; source: string };
      show(answer, () => `Event ${answer.id} (source ${answer.source}) is withdrawn.`);
    });
};

function checkedJson(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch (cause) {
    throw new CliError(
      2,
      'data.malformed_json',
      `--data is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
