import { type Client, route } from '../client.ts';
import { instantArgument } from '../instants.ts';
import { jsonOption } from '../json-option.ts';
import { planFitCommand } from './plan-fit.ts';
import { planMoveCommand } from './plan-move.ts';
import { type PriceInForce, pricesText } from '../render/prices.ts';
import { type AddCommand, examples } from '../session.ts';

interface Versioned {
  readonly planVersion?: string;
}

interface ListOptions extends Versioned {
  readonly at?: string;
  readonly knownAt?: string;
}

interface AddOptions extends Versioned {
  readonly validFrom: string;
  readonly price: string;
  readonly modifiers?: string;
  readonly correction?: boolean;
}

interface PriceChange {
  readonly revision: number;
  readonly rateCard: string;
  readonly validFrom: string;
}

const VERSION_OPTION = ['--plan-version <n>', 'version of the plan; default the latest'] as const;

export const planCommand: AddCommand = (program, open) => {
  const plan = program.command('plan').description('what is charged, and whom it fits');
  planFitCommand(plan, open);
  planMoveCommand(plan, open);
  plan
    .command('publish')
    .argument('<plan>', 'key of the plan')
    .argument('<version>', 'number of the draft')
    .description('publish a draft: new subscriptions get it, and it changes no more')
    .addHelpText('after', examples('meterline plan publish pro 3'))
    .action(async (key: string, version: string) => {
      const { client, show } = await open();
      const published = await client.post(route`/v1/plans/${key}/versions/${version}/publish`);
      show(published, () => `New subscriptions to ${key} get version ${version} from here on.`);
    });

  const price = plan.command('price').description('prices over time');

  price
    .command('list')
    .argument('<plan>', 'key of the plan')
    .option(...VERSION_OPTION)
    .option('--at <instant>', 'only prices in force then')
    .option('--known-at <instant>', 'as known then; default now')
    .description('list the prices of a plan version and from when to when they hold')
    .addHelpText(
      'after',
      examples('meterline plan price list rtc', 'meterline plan price list rtc --at 2026-04-01 --known-at 2026-03-01'),
    )
    .action(async (plan: string, { at, knownAt, planVersion }: ListOptions) => {
      const { client, show } = await open();
      const version = planVersion ?? (await latestVersion(client, plan));
      const path = route`/v1/plans/${plan}/versions/${version}/prices`;
      const query = { at: at && instantArgument(at), knownAt: knownAt && instantArgument(knownAt) };
      const prices = (await client.get(path, query)) as { items: PriceInForce[] };
      show(prices, () => pricesText(prices.items));
    });

  price
    .command('add')
    .argument('<plan>', 'key of the plan')
    .argument('<rate-card>', 'key of the rate card')
    .requiredOption('--valid-from <instant>', 'charged from here on; a whole minute')
    .requiredOption('--price <json>', 'the price')
    .option('--modifiers <json>', 'its modifiers, null for none; default those in force then')
    .option('--correction', 'also where invoices were issued for days after it: the next ones settle the difference')
    .option(...VERSION_OPTION)
    .description('change a price from an instant on, for everyone subscribed to the plan version')
    .addHelpText(
      'after',
      examples(`meterline plan price add rtc hd --valid-from 2026-04-01 --price '{"model":"per_unit","unitAmount":"0.012"}'`),
    )
    .action(async (plan: string, rateCard: string, options: AddOptions) => {
      const { client, show } = await open();
      const version = options.planVersion ?? (await latestVersion(client, plan));
      const change = (await client.post(route`/v1/plans/${plan}/versions/${version}/price-changes`, {
        rateCard,
        validFrom: instantArgument(options.validFrom),
        price: jsonOption('--price', options.price),
        ...(options.modifiers !== undefined && { modifiers: jsonOption('--modifiers', options.modifiers) }),
        ...(options.correction === true && { correction: true }),
      })) as PriceChange;
      show(
        change,
        () =>
          `${change.rateCard} of ${plan}, version ${version}, has this price from ${change.validFrom} on (change ${change.revision}).`,
      );
    });
};

async function latestVersion(client: Client, plan: string): Promise<string> {
  const { version } = (await client.get(route`/v1/plans/${plan}`)) as { version: number };
  return String(version);
}
