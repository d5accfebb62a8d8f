import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, route } from '../client.ts';
import { CliError } from '../errors.ts';
import { allItems } from '../pages.ts';
import { groupDigits } from '../render/digits.ts';
import { startProgress } from '../render/progress.ts';
import { table } from '../render/table.ts';
import { type AddCommand, collect, examples } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface Meter {
  readonly key: string;
  readonly name: string;
  readonly eventType: string;
  readonly aggregation: string;
  readonly valueProperty: string | null;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly archivedAt: string | null;
}

interface Backfill {
  readonly meter: string;
  readonly state: 'running' | 'complete';
  readonly recordsFilled: number;
  readonly recordsTotal: number;
}

interface CreateOptions {
  readonly eventType: string;
  readonly aggregation: string;
  readonly valueProperty?: string;
  readonly name?: string;
  readonly dimension?: readonly string[];
  readonly filter?: readonly string[];
}

const POLL_MS = 200;

export const meterCommand: AddCommand = (program, open) => {
  const meter = program.command('meter').description('what is counted');

  meter
    .command('list')
    .description('list meters')
    .addHelpText('after', examples('meterline meter list'))
    .action(async () => {
      const { client, show } = await open();
      const meters = (await allItems(client, '/v1/meters')) as Meter[];
      show(meters, () => (meters.length === 0 ? 'There are no meters yet.' : meterTable(meters)));
    });

  meter
    .command('create')
    .argument('<key>', 'lower-case letters, digits and _')
    .requiredOption('--event-type <type>', 'type of the events it counts')
    .requiredOption('--aggregation <how>', 'count, sum, max, min, latest or unique_count')
    .option('--value-property <path>', 'JSONPath into data, such as $.tokens (not for count)')
    .option('--name <name>', 'for people; default the key')
    .option('--dimension <name=path>', 'to group and filter by; may be repeated', collect)
    .option('--filter <path=value>', 'count only events with this value; may be repeated', collect)
    .description('create a meter')
    .addHelpText(
      'after',
      examples(
        'meterline meter create calls --event-type llm.call --aggregation count',
        "meterline meter create tokens --event-type llm.call --aggregation sum --value-property '$.tokens' --dimension 'model=$.model'",
      ),
    )
    .action(async (key: string, { dimension = [], filter = [], ...options }: CreateOptions) => {
      const { client, show } = await open();
      const dimensions = Object.fromEntries(dimension.map((text) => assignment('--dimension', text)));
      const created = (await client.post('/v1/meters', { key, ...options, dimensions, filter: filterOf(filter) })) as Meter;
      show(
        created,
        () => `Meter ${created.key} counts from now on. Events stored before: meterline meter backfill ${created.key}`,
      );
    });

  meter
    .command('backfill')
    .argument('<key>', 'key of the meter')
    .description('fill a meter from the events stored before it was created; can be repeated')
    .addHelpText('after', examples('meterline meter backfill tokens'))
    .action(async (key: string) => {
      const { client, terminal, show } = await open();
      const backfill = await finishBackfill(client, terminal, key);
      show(backfill, () => `Meter ${key} is filled from ${groupDigits(String(backfill.recordsTotal))} records of the log.`);
    });
};

async function finishBackfill(client: Client, terminal: Terminal, key: string): Promise<Backfill> {
  const path = route`/v1/meters/${key}/backfill`;
  let backfill = (await client.post(path)) as Backfill;
  const progress = startProgress(terminal, `backfill ${key}`, backfill.recordsTotal);
  try {
    for (; backfill.state === 'running'; backfill = (await client.get(path)) as Backfill) {
      progress.update(backfill.recordsFilled);
      await sleep(POLL_MS);
    }
    progress.update(backfill.recordsTotal);
  } finally {
    progress.stop();
  }
  return backfill;
}

function meterTable(meters: readonly Meter[]): string {
  return table(
    [{ title: 'key' }, { title: 'event type' }, { title: 'aggregation' }, { title: 'dimensions' }, { title: 'state' }],
    meters.map(({ key, eventType, aggregation, valueProperty, dimensions, archivedAt }) => [
      key,
      eventType,
      valueProperty === null ? aggregation : `${aggregation} of ${valueProperty}`,
      Object.keys(dimensions).join(', '),
      archivedAt === null ? 'active' : `archived ${archivedAt}`,
    ]),
  );
}

/** `name=value`; the value may hold further equals signs. */
function assignment(option: string, text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new CliError(2, 'option.malformed', `${option} must be name=value, not "${text}".`);
}

/** Values of the same path are alternatives. */
function filterOf(filters: readonly string[]): Record<string, string[]> {
  const byPath = Map.groupBy(
    filters.map((text) => assignment('--filter', text)),
    ([path]) => path,
  );
  return Object.fromEntries([...byPath].map(([path, pairs]) => [path, pairs.map(([, value]) => value)]));
}
