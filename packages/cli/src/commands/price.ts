import { readFile } from 'node:fs/promises';
import { CliError } from '../errors.ts';
import { type PriceTrial, priceTrialText } from '../render/price-trial.ts';
import { type AddCommand, examples } from '../session.ts';

interface TryOptions {
  readonly currency?: string;
  readonly modifiers?: string;
  readonly events?: string;
  readonly language?: string;
}

const INTERPRETED = `
<price> is JSON, or a file that holds it: a price {"model": ...}; a rate card, or an input of POST /v1/prices/evaluate, with a "price" in it.
Each quantity is priced by itself, as the usage of a whole billing period. Without one, the input says what was used: "quantity", "groups" by
dimensions, or "values" of single events.

Models: flat, per_unit, graduated, volume, package, percentage, graduated_percentage, dynamic, per_seat, matrix.
Modifiers: unitConversion, freeUnits, allowance, percentOff, maximumSpend, minimumSpend, credits, rounding. See docs/guides/prices.md.`;

export const priceCommand: AddCommand = (program, open) => {
  const price = program.command('price').description('prices, before anybody pays them');

  price
    .command('try')
    .argument('<price>', 'JSON, or a file of it')
    .argument('[quantity...]', 'decimals such as 12.5')
    .option('--currency <code>', 'ISO 4217; default what the input says, else USD')
    .option('--modifiers <json>', 'JSON, or a file of it: what changes the price')
    .option('--events <count>', 'events behind each quantity, for fees per event')
    .option('--language <code>', 'of the explanations: en or zh')
    .description('what quantities would cost, step by step')
    .addHelpText('after', INTERPRETED)
    .addHelpText(
      'after',
      examples(
        `meterline price try '{"model":"per_unit","unitAmount":"0.00399"}' 1000 1000000`,
        `meterline price try '{"model":"package","packageSize":"1000","packageAmount":"0.99","blocks":"up"}' 12500 --modifiers '{"freeUnits":"10000"}'`,
        `meterline price try minutes.json 100000 500000 --currency EUR --language zh`,
      ),
    )
    .action(async (source: string, quantities: readonly string[], options: TryOptions) => {
      const input = await inputOf(source, options);
      const { client, terminal, show } = await open();
      const items = quantities.length === 0 ? [input] : quantities.map((quantity) => ({ ...input, quantity }));
      const answer = (await client.post('/v1/prices/evaluate/batch', { items })) as Pick<PriceTrial, 'results'>;
      const trial = { ...answer, quantities, currency: String(input['currency']) };
      show(answer, () => priceTrialText(trial, terminal));
      const failed = answer.results.find((result) => 'error' in result);
      if (failed) throw new CliError(1, failed.error.code, 'Not every quantity could be priced.');
    });
};

type Fields = Readonly<Record<string, unknown>>;

/** What every item of the batch has in common. */
async function inputOf(source: string, { currency, modifiers, events, language }: TryOptions): Promise<Fields> {
  const given = await jsonOf(source, 'price');
  // A rate card says more than its price needs.
  const { key: _key, name: _name, meter: _meter, filter: _filter, ...terms } = 'price' in given ? given : { price: given };
  return {
    currency: 'USD',
    ...terms,
    ...(currency !== undefined && { currency }),
    ...(modifiers !== undefined && { modifiers: await jsonOf(modifiers, 'modifiers') }),
    ...(events !== undefined && { eventsCount: events }),
    ...(language !== undefined && { language }),
  };
}

async function jsonOf(source: string, what: string): Promise<Fields> {
  const text = source.trimStart().startsWith('{') ? source : await textOf(source, what);
  const value = parsed(text, what);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new CliError(2, `${what}.no_object`, `The ${what} must be a JSON object.`);
}

async function textOf(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CliError(2, `${what}.unreadable`, `The ${what} is neither JSON nor a file that can be read: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError(2, `${what}.malformed_json`, `The ${what} is not JSON: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
