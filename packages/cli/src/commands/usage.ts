import { route } from '../client.ts';
import { instantArgument } from '../instants.ts';
import { type Usage, usageText } from '../render/usage.ts';
import { type AddCommand, collect, examples } from '../session.ts';

interface UsageOptions {
  readonly from?: string;
  readonly to?: string;
  readonly window?: string;
  readonly timezone?: string;
  readonly customer?: string;
  readonly subject?: readonly string[];
  readonly groupBy?: string;
  readonly filter?: readonly string[];
}

export const usageCommand: AddCommand = (program, open) => {
  program
    .command('usage')
    .argument('<meter>', 'key of the meter')
    .description('exact usage of a meter')
    .option(
      '--from <instant>',
      'RFC 3339 to the minute, or a date (midnight UTC); default the start of this month',
      instantArgument,
    )
    .option('--to <instant>', 'exclusive; default now', instantArgument)
    .option('--window <size>', 'minute, 5_minutes, 15_minutes, hour, day or month; default one window over all')
    .option('--timezone <zone>', "IANA zone of the windows; default the customer's, or UTC")
    .option('--customer <key>', 'usage of this customer')
    .option('--subject <subject>', 'usage of this subject; may be repeated', collect)
    .option('--group-by <dimensions>', 'dimensions, or `subject`, separated by commas')
    .option('--filter <dimension:value>', 'may be repeated', collect)
    .addHelpText(
      'after',
      examples(
        'meterline usage calls --customer acme --window day',
        'meterline usage input_tokens --from 2023-11-16 --to 2023-11-17 --window hour --group-by model',
        'meterline usage calls --filter model:large --filter model:small',
      ),
    )
    .action(async (meter: string, options: UsageOptions) => {
      const { client, terminal, show } = await open();
      const usage = (await client.get(route`/v1/meters/${meter}/usage`, { ...options })) as Usage;
      show(usage, () => usageText(usage, terminal));
    });
};
