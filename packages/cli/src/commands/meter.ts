import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, route } from '../client.ts';
import { CliError } from '../errors.ts';
import { allItems } from '../pages.ts';
import { groupDigits } from '../render/digits.ts';
import { startProgress } from '../render/progress.ts';
import { table } from '../render/table.ts';
import { type AddCommand, collect, examples } from '../session.ts';
import { termsOf, type TermsOptions } from './meter-terms.ts';
import type { Terminal } from '../terminal.ts';

interface Meter {
  readonly key: string;
  readonly name: string;
  readonly eventType: string;
  readonly aggregation: string;
  readonly valueProperty: string | null;
  readonly fold: { readonly window: string; readonly take: string; readonly percentile?: string } | null;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly archivedAt: string | null;
}

interface Backfill {
  readonly meter: string;
  readonly state: 'running' | 'complete';
  readonly recordsFilled: number;
  readonly recordsTotal: number;
}

interface CreateOptions extends TermsOptions {
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
    .requiredOption(
      '--aggregation <how>',
      'count, sum, average, max, min, latest, unique_count, weighted_sum or peak_concurrency',
    )
    .option('--value-property <path>', 'JSONPath into data, such as $.tokens (not for count and peak_concurrency)')
    .option('--level <values:unit>', 'of a weighted_sum: absolute or change, and second, minute, hour, day or period')
    .option('--session-id <path>', 'of a peak_concurrency: what the join and leave of a session share')
    .option('--session-phase <path>', 'where it says `join` or `leave`')
    .option('--session-duration <path>', 'instead of both: how many seconds a session lasts from its event on')
    .option('--session-max <seconds>', 'after which a session without leave has ended')
    .option(
      '--fold <window:take>',
      'compute by minute, 5_minutes, 15_minutes, hour, day or month and take the max, sum, average or percentile:N of the windows; ' +
        '`:skip` leaves empty windows out of an average or percentile',
    )
    .option('--name <name>', 'for people; default the key')
    .option('--dimension <name=path>', 'to group and filter by; may be repeated', collect)
    .option('--filter <path=value>', 'count only events with this value; may be repeated', collect)
    .description('create a meter')
    .addHelpText(
      'after',
      examples(
        'meterline meter create calls --event-type llm.call --aggregation count',
        "meterline meter create tokens --event-type llm.call --aggregation sum --value-property '$.tokens' --dimension 'model=$.model'",
        "meterline meter create dau --event-type login --aggregation unique_count --value-property '$.user' --fold day:max",
        "meterline meter create p95 --event-type traffic --aggregation sum --value-property '$.gb' --fold 5_minutes:percentile:95",
        "meterline meter create gb_hours --event-type disk --aggregation weighted_sum --value-property '$.gb' --level absolute:hour",
        "meterline meter create pcu --event-type call --aggregation peak_concurrency --session-id '$.call' --session-phase '$.what' --session-max 86400",
      ),
    )
    .action(
      async (
        key: string,
        { eventType, aggregation, valueProperty, name, dimension = [], filter = [], ...terms }: CreateOptions,
      ) => {
        const { client, show } = await open();
        const dimensions = Object.fromEntries(dimension.map((text) => assignment('--dimension', text)));
        const fields = {
          key,
          eventType,
          aggregation,
          valueProperty,
          name,
          ...termsOf(terms),
          dimensions,
          filter: filterOf(filter),
        };
        const created = (await client.post('/v1/meters', fields)) as Meter;
        show(created, () =>
          created.aggregation === 'peak_concurrency'
            ? `Meter ${created.key} counts all events, stored before or not.`
            : `Meter ${created.key} counts from now on. Events stored before: meterline meter backfill ${created.key}`,
        );
      },
    );

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
    meters.map(({ key, eventType, dimensions, archivedAt, ...how }) => [
      key,
      eventType,
      measured(how),
      Object.keys(dimensions).join(', '),
      archivedAt === null ? 'active' : `archived ${archivedAt}`,
    ]),
  );
}

function measured({ aggregation, valueProperty, fold }: Pick<Meter, 'aggregation' | 'valueProperty' | 'fold'>): string {
  const what = valueProperty === null ? aggregation : `${aggregation} of ${valueProperty}`;
  if (fold === null) return what;
  const { window, take, percentile } = fold;
  return `${what}, ${[take, ...(percentile === undefined ? [] : [percentile])].join(' ')} by ${window}`;
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
