import { Option } from 'commander';
import { route } from '../client.ts';
import { CliError } from '../errors.ts';
import { allItems } from '../pages.ts';
import { type FitReportItem, fitReportText, type PlanFit, planFitText } from '../render/plan-fit.ts';
import { startProgress } from '../render/progress.ts';
import { type AddCommand, examples, type Session } from '../session.ts';

interface FitOptions {
  readonly all?: boolean;
  readonly months: string;
  readonly fits?: string;
  readonly language: string;
}

const CUSTOMERS_PER_PAGE = 50;

const EXPLANATION = `
Every live plan is rated on what was really used in the last whole months, and again on twice as much. Of one that bills
by another period, a whole period that goes on like these months is rated, and their share of it shown.
  fits now          the cheapest plan that prices everything the subscription does and was used
  too_large         less than 30 % of every allowance was used on average
  too_small         an allowance was exceeded in more than half of the months
  growth            the median of the change from month to month; next month is the last one, grown once more
Prepaid grants are not counted. A month before the subscription began counts as what was used in it.`;

/** `plan fit`, under the command `plan`. */
export const planFitCommand: AddCommand = (plan, open) => {
  plan
    .command('fit')
    .argument('[customer]', 'key of the customer')
    .description('what each plan would have cost a customer, how much of its allowances it uses, and which plan fits')
    .option('--all', 'a row for every subscription of all customers instead')
    .option(
      '--fits <how>',
      'with --all: only too_large, too_small, right, no_allowance, no_history, not_compared or no_subscription',
    )
    .option('--months <months>', 'whole months to look back, 3 to 6', '6')
    .addOption(new Option('--language <language>', 'of the sentence').choices(['en', 'zh']).default('en'))
    .addHelpText(
      'after',
      examples(
        'meterline plan fit acme',
        'meterline plan fit acme --months 3 --language zh',
        'meterline plan fit --all --fits too_small',
      ),
    )
    .addHelpText('after', EXPLANATION)
    .action(async (customer: string | undefined, options: FitOptions) => {
      if ((customer === undefined) !== (options.all === true)) {
        throw new CliError(2, 'plan.whose', 'Give the key of one customer, or --all.');
      }
      if (options.fits !== undefined && customer !== undefined) {
        throw new CliError(2, 'plan.fits_of_all', '--fits chooses among all customers: give it with --all.');
      }
      const session = await open();
      if (customer === undefined) return showReport(session, options);
      const { months, language } = options;
      const fit = (await session.client.get(route`/v1/customers/${customer}/plan-fit`, { months, language })) as PlanFit;
      session.show(fit, () => planFitText(fit, session.terminal));
    });
};

async function showReport({ client, terminal, show }: Session, { months, fits, language }: FitOptions): Promise<void> {
  const customers = (await allItems(client, '/v1/customers')).length;
  const progress = startProgress(terminal, 'Rating', customers);
  const items: FitReportItem[] = [];
  try {
    let cursor: string | undefined;
    for (let done = 0; ;) {
      const query = { months, fits, language, limit: CUSTOMERS_PER_PAGE, cursor };
      const page = (await client.get('/v1/plan-fit', query)) as { items: FitReportItem[]; nextCursor: string | null };
      items.push(...page.items);
      done = page.nextCursor === null ? customers : Math.min(done + CUSTOMERS_PER_PAGE, customers);
      progress.update(done, `${done} of ${customers} customers`);
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
  } finally {
    progress.stop();
  }
  show(items, () => fitReportText(items, terminal));
}
