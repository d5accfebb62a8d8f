import type { Command } from 'commander';
import { route } from '../client.ts';
import { CliError } from '../errors.ts';
import { instantArgument } from '../instants.ts';
import { allItems } from '../pages.ts';
import {
  type ChangePreview,
  changesText,
  previewText,
  type Subscription,
  type SubscriptionChange,
  subscriptionText,
} from '../render/subscription.ts';
import { type AddCommand, collect, examples } from '../session.ts';
import { addUpgrades } from './subscription-upgrades.ts';

interface ChangeOptions {
  readonly plan?: string;
  readonly planVersion?: string;
  readonly quantity?: readonly string[];
  readonly at?: string;
  readonly until?: string;
  readonly ends?: string;
  readonly converts?: true;
  readonly token?: string;
}

interface Made {
  readonly change: SubscriptionChange;
  readonly subscription: Subscription;
}

const KINDS = 'plan, quantity, pause, resume, cancel, resubscribe or trial';

export const subscriptionCommand: AddCommand = (program, open) => {
  const subscription = program.command('subscription').description('what customers subscribed to, and changes of it');

  subscription
    .command('show')
    .argument('<id>', 'id of the subscription')
    .description('what a subscription is now, and what it will be')
    .addHelpText('after', examples('meterline subscription show sub_01j...'))
    .action(async (id: string) => {
      const { client, show } = await open();
      const found = (await client.get(route`/v1/subscriptions/${id}`)) as Subscription;
      show(found, () => subscriptionText(found));
    });

  subscription
    .command('changes')
    .argument('<id>', 'id of the subscription')
    .description('list its changes: scheduled, done and withdrawn ones')
    .addHelpText('after', examples('meterline subscription changes sub_01j...'))
    .action(async (id: string) => {
      const { client, show } = await open();
      const changes = (await allItems(client, route`/v1/subscriptions/${id}/changes`)) as SubscriptionChange[];
      show(changes, () => changesText(changes));
    });

  withTerms(subscription.command('preview'))
    .description('what a change would charge, and what would be lost; makes nothing')
    .addHelpText('after', examples('meterline subscription preview sub_01j... plan --plan pro'))
    .action(async (id: string, kind: string, options: ChangeOptions) => {
      const { client, show } = await open();
      const preview = (await client.post(
        route`/v1/subscriptions/${id}/changes/preview`,
        requestOf(kind, options),
      )) as ChangePreview;
      show(preview, () => previewText(preview));
    });

  withTerms(subscription.command('change'))
    .description('change a subscription, now or later')
    .addHelpText(
      'after',
      examples(
        'meterline subscription change sub_01j... plan --plan pro --at period_end',
        'meterline subscription change sub_01j... quantity --quantity seats=12',
        'meterline subscription change sub_01j... cancel --at period_end',
        'meterline subscription change sub_01j... trial --ends 2026-03-20',
      ),
    )
    .action(async (id: string, kind: string, options: ChangeOptions) => {
      const { client, show } = await open();
      const made = (await client.post(route`/v1/subscriptions/${id}/changes`, requestOf(kind, options))) as Made;
      show(made, () => `Change ${made.change.id} is ${made.change.state}.\n${subscriptionText(made.subscription)}`);
    });

  subscription
    .command('execute')
    .argument('<id>', 'id of the subscription')
    .argument('<token>', 'of a preview')
    .description('make exactly the change that was previewed, or say what changed since')
    .addHelpText('after', examples('meterline subscription execute sub_01j... eyJzdWJz...'))
    .action(async (id: string, token: string) => {
      const { client, show } = await open();
      const made = (await client.post(route`/v1/subscriptions/${id}/changes`, { token })) as Made;
      show(made, () => `Change ${made.change.id} is ${made.change.state}.\n${subscriptionText(made.subscription)}`);
    });

  subscription
    .command('withdraw')
    .argument('<id>', 'id of the subscription')
    .argument('<change>', 'id of a change that is scheduled')
    .description('withdraw a change that has not begun')
    .addHelpText('after', examples('meterline subscription withdraw sub_01j... chg_01j...'))
    .action(async (id: string, change: string) => {
      const { client, show } = await open();
      const made = (await client.delete(route`/v1/subscriptions/${id}/changes/${change}`)) as Made;
      show(made, () => `Change ${made.change.id} is withdrawn.\n${subscriptionText(made.subscription)}`);
    });

  addUpgrades(subscription, open);
};

function withTerms(command: Command): Command {
  return command
    .argument('<id>', 'id of the subscription')
    .argument('<kind>', KINDS)
    .option('--plan <key>', 'the plan to change to')
    .option('--plan-version <n>', 'its version; default the latest')
    .option('--quantity <card=number>', 'how many of the fee of a rate card; may be repeated', collect)
    .option('--at <when>', 'now (default), period_end, RFC 3339, or a date (midnight UTC)', instantArgument)
    .option('--until <instant>', 'from then on as without the change: RFC 3339, or a date (midnight UTC)', instantArgument)
    .option('--ends <when>', 'of a trial, its first day no more: now, RFC 3339, or a date (midnight UTC)', instantArgument)
    .option('--converts', 'of a trial: what is paid for follows it');
}

function requestOf(kind: string, { plan, planVersion, quantity, at, until, ends, converts }: ChangeOptions): object {
  return {
    kind,
    ...(plan !== undefined && { plan }),
    ...(planVersion !== undefined && { version: Number(planVersion) }),
    ...(quantity && { quantities: Object.fromEntries(quantity.map(quantityOf)) }),
    ...(at !== undefined && { at }),
    ...(until !== undefined && { until }),
    ...(ends !== undefined && { ends }),
    ...(converts && { converts }),
  };
}

function quantityOf(text: string): [string, string] {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new CliError(2, 'quantity.malformed', `"${text}" is not <rate card>=<number>, such as seats=12.`);
  return [text.slice(0, at), text.slice(at + 1)];
}
