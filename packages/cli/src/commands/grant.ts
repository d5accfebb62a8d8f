import { type Client, route } from '../client.ts';
import { CliError } from '../errors.ts';
import { instantArgument } from '../instants.ts';
import { allItems } from '../pages.ts';
import { groupDigits } from '../render/digits.ts';
import { table } from '../render/table.ts';
import { type AddCommand, collect, examples } from '../session.ts';

interface Grant {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly meter: string | null;
  readonly currency: string | null;
  readonly amount: string;
  readonly priority: number;
  readonly effectiveAt: string;
  readonly expiresAt: string | null;
  readonly cost: string | null;
}

interface CreateOptions {
  readonly name?: string;
  readonly meter?: string;
  readonly filter?: readonly string[];
  readonly per?: string;
  readonly priority?: string;
  readonly effectiveAt?: string;
  readonly expiresAt?: string;
  readonly cost?: string;
  readonly carry?: string;
  readonly carryMax?: string;
  readonly carryUntil?: string;
}

export const grantCommand: AddCommand = (program, open) => {
  const grant = program.command('grant').description('prepaid packs of units and credits of money');

  grant
    .command('create')
    .argument('<customer>', 'key of the customer')
    .argument('<key>', 'your name for it: the same key is never given twice')
    .argument('<amount>', 'how many units, or how much money')
    .option('--meter <key>', "units of this meter's usage; without it the grant is money in the customer's currency")
    .option('--filter <name=value>', 'only usage with this value of a dimension; may be repeated', collect)
    .option(
      '--per <quantity>',
      "one unit of the pack is so many of the meter's, rounded half up over the billing period, such as 60",
    )
    .option('--name <text>', 'as invoices show it; default the key')
    .option('--priority <number>', 'the smaller one burns first; default 0')
    .option('--effective-at <instant>', 'RFC 3339, or a date (midnight UTC); default now', instantArgument)
    .option('--expires-at <instant>', 'RFC 3339, or a date (midnight UTC); default never', instantArgument)
    .option('--cost <amount>', 'what the customer paid for it; without it the grant is free')
    .option('--carry <percent>', 'share of what is left at the end that goes on; needs --carry-until')
    .option('--carry-max <amount>', 'at most so much goes on')
    .option('--carry-until <instant>', 'until when that can be used', instantArgument)
    .description('give a customer prepaid units or money')
    .addHelpText(
      'after',
      examples(
        'meterline grant create acme starter-2026 100000 --meter calls --expires-at 2027-01-01 --cost 99.00',
        'meterline grant create acme minutes 1000 --meter seconds --per 60 --filter quality=hd',
        'meterline grant create acme welcome 25.00',
      ),
    )
    .action(async (customer: string, key: string, amount: string, options: CreateOptions) => {
      const { client, show } = await open();
      const body = { key, name: options.name ?? key, amount, ...termsOf(options) };
      const created = (await client.post(route`/v1/customers/${customer}/grants`, body)) as Grant;
      show(
        created,
        () => `Grant ${created.id}: ${groupDigits(created.amount)} ${created.meter ?? created.currency ?? ''} for ${customer}.`,
      );
    });

  grant
    .command('list')
    .argument('<customer>', 'key of the customer')
    .description('list the grants of a customer, newest first')
    .addHelpText('after', examples('meterline grant list acme'))
    .action(async (customer: string) => {
      const { client, show } = await open();
      const grants = await grantsOf(client, customer);
      show(grants, () => (grants.length === 0 ? 'There are no grants yet.' : grantTable(grants)));
    });

  grant
    .command('void')
    .argument('<customer>', 'key of the customer')
    .argument('<id|key>', 'as listed')
    .description('take what is left of a grant')
    .addHelpText('after', examples('meterline grant void acme welcome'))
    .action(async (customer: string, name: string) => {
      const { client, show } = await open();
      const found = (await grantsOf(client, customer)).find(({ id, key }) => id === name || key === name);
      if (found === undefined) throw new CliError(1, 'grant.unknown', `Customer "${customer}" has no grant "${name}".`);
      const voided = await client.post(route`/v1/grants/${found.id}/void`);
      show(voided, () => `Grant ${found.id} ("${found.key}") is void: nothing is left of it.`);
    });
};

async function grantsOf(client: Client, customer: string): Promise<Grant[]> {
  return (await allItems(client, route`/v1/customers/${customer}/grants`)) as Grant[];
}

function termsOf(options: CreateOptions) {
  const { meter, filter, per, priority, effectiveAt, expiresAt, cost, carry, carryMax, carryUntil } = options;
  const carries = carry !== undefined || carryMax !== undefined || carryUntil !== undefined;
  const units = {
    meter,
    ...(filter !== undefined && { filter: filterOf(filter) }),
    ...(per !== undefined && { unitConversion: { operation: 'divide', factor: per, rounding: 'half_up' } }),
  };
  return {
    ...(meter === undefined && filter === undefined && per === undefined ? { kind: 'money' } : { kind: 'units', ...units }),
    ...(priority !== undefined && { priority: Number(priority) }),
    ...{ effectiveAt, expiresAt, cost },
    ...(carries && { carryOver: { percent: carry, maximum: carryMax, expiresAt: carryUntil } }),
  };
}

/** `quality=hd` and `quality=fhd` together are either of the two. */
function filterOf(pairs: readonly string[]): Record<string, string[]> {
  const filter: Record<string, string[]> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw new CliError(2, 'filter.invalid', `"${pair}" is not a dimension and its value, such as quality=hd.`);
    (filter[pair.slice(0, at)] ??= []).push(pair.slice(at + 1));
  }
  return filter;
}

function grantTable(grants: readonly Grant[]): string {
  return table(
    [
      { title: 'id' },
      { title: 'key' },
      { title: 'amount', align: 'right' },
      { title: 'for' },
      { title: 'priority', align: 'right' },
      { title: 'effective' },
      { title: 'expires' },
      { title: 'cost', align: 'right' },
    ],
    grants.map(({ id, key, amount, meter, currency, priority, effectiveAt, expiresAt, cost }) => [
      ...[id, key, groupDigits(amount), meter ?? currency ?? ''],
      ...[String(priority), effectiveAt, expiresAt ?? 'never', cost ?? 'free'],
    ]),
  );
}
