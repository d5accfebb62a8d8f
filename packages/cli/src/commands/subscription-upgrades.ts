import type { Command } from 'commander';
import { route } from '../client.ts';
import { CliError } from '../errors.ts';
import { allItems } from '../pages.ts';
import { type Upgrade, upgradesText, upgradeText } from '../render/upgrade.ts';
import { type AddCommand, examples } from '../session.ts';

interface UpgradeOptions {
  readonly plan?: string;
  readonly planVersion?: string;
  readonly token?: string;
  readonly graceDays?: string;
}

/** `meterline subscription upgrade`, `upgrades` and `rollback`. An upgrade that is not done ends with exit code 1. */
export function addUpgrades(subscription: Command, open: Parameters<AddCommand>[1]): void {
  subscription
    .command('upgrade')
    .argument('<id>', 'id of the subscription')
    .option('--plan <key>', 'the plan to change to, now')
    .option('--plan-version <n>', 'its version; default the latest')
    .option('--token <token>', 'of a preview: exactly what that showed')
    .option('--grace-days <n>', 'so many days it is taken back on request; default 14')
    .description('change to a better plan in checked steps, which are taken back if one is not passed')
    .addHelpText('after', examples('meterline subscription upgrade sub_01j... --plan pro'))
    .action(async (id: string, options: UpgradeOptions) => {
      const { client, show } = await open();
      const upgrade = (await client.post(route`/v1/subscriptions/${id}/upgrades`, requestOf(options))) as Upgrade;
      show(upgrade, () => upgradeText(upgrade));
      if (upgrade.state !== 'done') throw new CliError(1, `upgrade.${upgrade.state}`, 'The subscription was not upgraded.');
    });

  subscription
    .command('upgrades')
    .argument('<id>', 'id of the subscription')
    .description('list its upgrades, newest first')
    .addHelpText('after', examples('meterline subscription upgrades sub_01j...'))
    .action(async (id: string) => {
      const { client, show } = await open();
      const upgrades = (await allItems(client, route`/v1/subscriptions/${id}/upgrades`)) as Upgrade[];
      show(upgrades, () => upgradesText(upgrades));
    });

  subscription
    .command('rollback')
    .argument('<id>', 'id of the subscription')
    .argument('<upgrade>', 'id of an upgrade within its grace period')
    .description('take an upgrade back: the plan is what it was before, and what was paid for the new one is paid back')
    .addHelpText('after', examples('meterline subscription rollback sub_01j... upg_01j...'))
    .action(async (id: string, upgrade: string) => {
      const { client, show } = await open();
      const back = (await client.post(route`/v1/subscriptions/${id}/upgrades/${upgrade}/rollback`, {})) as Upgrade;
      show(back, () => upgradeText(back));
    });
}

function requestOf({ plan, planVersion, token, graceDays }: UpgradeOptions): object {
  if ((plan === undefined) === (token === undefined))
    throw new CliError(2, 'upgrade.what', 'Say either --plan or --token, the token of a preview.');
  return {
    ...(plan !== undefined && { plan }),
    ...(planVersion !== undefined && { version: Number(planVersion) }),
    ...(token !== undefined && { token }),
    ...(graceDays !== undefined && { graceDays: Number(graceDays) }),
  };
}
