import { route } from '../client.ts';
import { type Spend, spendText } from '../render/spend.ts';
import { type AddCommand, examples } from '../session.ts';

export const spendCommand: AddCommand = (program, open) => {
  program
    .command('spend')
    .argument('<customer>', 'key of the customer')
    .description('what a customer has spent so far in its current billing period')
    .addHelpText('after', examples('meterline spend acme', 'meterline spend acme --json | jq -r .total'))
    .action(async (customer: string) => {
      const { client, terminal, show } = await open();
      const spend = (await client.get(route`/v1/customers/${customer}/spend`)) as Spend;
      show(spend, () => spendText(spend, terminal));
    });
};
