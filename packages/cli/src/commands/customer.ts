import { route } from '../client.ts';
import { instantArgument } from '../instants.ts';
import { jsonOption } from '../json-option.ts';
import { allItems } from '../pages.ts';
import { aboutText, type NegotiatedPrice, negotiatedPricesText } from '../render/negotiated-prices.ts';
import { type AddCommand, examples } from '../session.ts';

interface AddOptions {
  readonly validFrom?: string;
  readonly validUntil?: string;
  readonly percentOff?: string;
  readonly price?: string;
  readonly modifiers?: string;
  readonly note?: string;
  readonly correction?: boolean;
}

interface EndOptions {
  readonly at?: string;
  readonly correction?: boolean;
}

const CORRECTION = [
  '--correction',
  'also where its invoices were issued for days after that: the next ones settle the difference',
] as const;

export const customerCommand: AddCommand = (program, open) => {
  const customer = program.command('customer').description('what was agreed on with a customer');
  const price = customer.command('price').description('negotiated prices, in place of the list prices of a plan');

  price
    .command('list')
    .argument('<customer>', 'key of the customer')
    .option('--as-known-on <instant>', 'as known then; default now', instantArgument)
    .description('list what was negotiated with a customer')
    .addHelpText(
      'after',
      examples('meterline customer price list acme', 'meterline customer price list acme --as-known-on 2026-03-01'),
    )
    .action(async (key: string, { asKnownOn }: { readonly asKnownOn?: string }) => {
      const { client, show } = await open();
      const prices = (await allItems(client, pathOf(key), { asKnownOn })) as NegotiatedPrice[];
      show(prices, () => (prices.length === 0 ? 'Nothing was negotiated.' : negotiatedPricesText(prices)));
    });

  price
    .command('add')
    .argument('<customer>', 'key of the customer')
    .argument('[plan]', 'key of the plan; without it --percent-off holds for all plans')
    .argument('[rate-card]', 'key of the rate card; without it --percent-off holds for all of them')
    .option('--percent-off <percent>', 'off everything that has no negotiated price of its own')
    .option('--valid-from <instant>', 'charged from here on; a whole minute; default now', instantArgument)
    .option('--valid-until <instant>', 'not included; default for good', instantArgument)
    .option('--price <json>', 'the price; default that of the plan version, at any time')
    .option('--modifiers <json>', 'single modifiers in place of those of the plan version, null in place of none')
    .option('--note <text>', 'why')
    .option(...CORRECTION)
    .description('agree with a customer on another price')
    .addHelpText(
      'after',
      examples(
        `meterline customer price add acme rtc hd --valid-from 2026-04-01 --price '{"model":"per_unit","unitAmount":"0.010"}'`,
        `meterline customer price add acme rtc hd --valid-until 2027-01-01 --modifiers '{"percentOff":"20"}' --note 'offer 17'`,
        'meterline customer price add acme --percent-off 20',
      ),
    )
    .action(async (key: string, plan: string | undefined, rateCard: string | undefined, options: AddOptions) => {
      const { client, show } = await open();
      const { price: amount, modifiers, ...terms } = options;
      const entered = (await client.post(pathOf(key), {
        ...{ plan, rateCard, ...terms },
        ...(amount !== undefined && { price: jsonOption('--price', amount) }),
        ...(modifiers !== undefined && { modifiers: jsonOption('--modifiers', modifiers) }),
      })) as NegotiatedPrice;
      const until = entered.validUntil === null ? 'on' : `up to ${entered.validUntil}`;
      show(
        entered,
        () => `${key} has this price of ${aboutText(entered)} from ${entered.validFrom} ${until} (${entered.revision}).`,
      );
    });

  price
    .command('end')
    .argument('<customer>', 'key of the customer')
    .argument('<revision>', 'as listed')
    .option('--at <instant>', 'a whole minute; default now', instantArgument)
    .option(...CORRECTION)
    .description('end a negotiated price earlier than was agreed')
    .addHelpText('after', examples('meterline customer price end acme 1 --at 2026-07-01'))
    .action(async (key: string, revision: string, options: EndOptions) => {
      const { client, show } = await open();
      const ended = (await client.post(`${pathOf(key)}${route`/${revision}/end`}`, options)) as NegotiatedPrice;
      show(ended, () => `${key} has price ${revision} of ${aboutText(ended)} up to ${ended.end?.at ?? ''}.`);
    });
};

const pathOf = (customer: string) => route`/v1/customers/${customer}/negotiated-prices`;
