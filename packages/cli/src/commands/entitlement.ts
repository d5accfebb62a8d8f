import { route } from '../client.ts';
import { CliError } from '../errors.ts';
import { type Entitlement, type Entitlements, entitlementsText } from '../render/entitlements.ts';
import { type AddCommand, examples } from '../session.ts';

export const entitlementCommand: AddCommand = (program, open) => {
  program
    .command('entitlement')
    .argument('<customer>', 'key of the customer')
    .argument('[feature]', 'key of one feature: ends with 1 if the customer may not use it')
    .description('what a customer may use, and how much of it is used up')
    .addHelpText('after', examples('meterline entitlement acme', 'meterline entitlement acme video && start-the-call'))
    .action(async (customer: string, feature: string | undefined) => {
      const { client, terminal, show } = await open();
      if (feature === undefined) {
        const all = (await client.get(route`/v1/customers/${customer}/entitlements`)) as Entitlements;
        show(all, () => entitlementsText(all, terminal));
        return;
      }
      const one = (await client.get(route`/v1/customers/${customer}/entitlements/${feature}`)) as Entitlement & Entitlements;
      show(one, () => entitlementsText({ customer: one.customer, asOf: one.asOf, items: [one] }, terminal));
      if (!one.hasAccess) throw new CliError(1, 'entitlement.no_access', `${customer} may not use ${feature} now.`);
    });
};
