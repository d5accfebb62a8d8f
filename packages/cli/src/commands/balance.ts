import { route } from '../client.ts';
import { instantArgument } from '../instants.ts';
import { type Balances, balancesText } from '../render/balances.ts';
import { type AddCommand, examples } from '../session.ts';

export const balanceCommand: AddCommand = (program, open) => {
  program
    .command('balance')
    .argument('<customer>', 'key of the customer')
    .option('--at <instant>', 'as it was written down by then: RFC 3339, or a date (midnight UTC)', instantArgument)
    .description("what is left of a customer's prepaid units and money")
    .addHelpText('after', examples('meterline balance acme', 'meterline balance acme --at 2026-02-01'))
    .action(async (customer: string, { at }: { at?: string }) => {
      const { client, terminal, show } = await open();
      const balances = (await client.get(route`/v1/customers/${customer}/balances`, { at })) as Balances;
      show(balances, () => balancesText(balances, terminal));
    });
};
