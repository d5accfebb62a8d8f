import type { Terminal } from '../terminal.ts';
import { percentBar } from './bar.ts';
import { groupDigits, groupNumbers } from './digits.ts';
import { table } from './table.ts';

type Paint = Pick<Terminal, 'paint'>;

interface Choice {
  readonly plan: string;
  readonly planVersion: number;
  readonly isCurrent: boolean;
  readonly saving: string | null;
}

interface AllowanceUse {
  readonly name: string;
  readonly included: string;
  readonly months: readonly {
    readonly used: string;
    /** An older server does not know of it. */
    readonly carried?: string;
    readonly percent: string | null;
    readonly exceeded: boolean;
  }[];
  readonly averagePercent: string | null;
}

interface PlanCosts {
  readonly plan: string;
  readonly planVersion: number;
  /** An older server does not know of it. */
  readonly every?: string;
  readonly subscription: string | null;
  readonly total: string;
  readonly average: string;
  readonly doubledAverage: string;
  readonly allowances: readonly AllowanceUse[];
}

interface Assessment {
  readonly subscription: { readonly id: string; readonly plan: string; readonly planVersion: number } | null;
  readonly now: Choice | null;
  readonly doubled: Choice | null;
  readonly uncovered: readonly { readonly plan: string; readonly planVersion: number; readonly meters: readonly string[] }[];
  readonly sentence: string;
}

/** `GET /v1/customers/{key}/plan-fit`. */
export interface PlanFit {
  readonly customer: string;
  readonly currency: string;
  readonly timezone: string;
  readonly asOf: { readonly cut: readonly number[]; readonly at: string };
  readonly monthsAsked: number;
  readonly months: readonly { readonly firstDay: string }[];
  readonly assessments: readonly Assessment[];
  readonly plans: readonly PlanCosts[];
  readonly notCompared: readonly { readonly plan: string; readonly planVersion: number; readonly reason: string }[];
  readonly usage: readonly {
    readonly meter: string;
    readonly peakMonth: { readonly firstDay: string; readonly quantity: string } | null;
    readonly peakDay: { readonly day: string; readonly quantity: string; readonly percentOfMonth: string | null } | null;
    readonly trend: { readonly growthPercent: string; readonly forecast: string } | null;
    readonly scaling: 'exact' | 'assumed' | 'unchanged';
  }[];
}

/** What a customer used of its allowances, how its usage goes, and what every plan would have cost. */
export function planFitText(fit: PlanFit, { paint }: Paint): string {
  const { customer, months, monthsAsked, timezone, asOf } = fit;
  const history =
    months.length < monthsAsked
      ? `${months.length} of the ${monthsAsked} months asked for have a history`
      : `${months.length} months`;
  const since = months[0] === undefined ? '' : `, from ${months[0].firstDay} (${timezone})`;
  const sentences = fit.assessments.flatMap(({ sentence }) => [groupNumbers(sentence), '']);
  return [
    `${paint('bold', customer)}: ${history}${since}`,
    '',
    ...sentences,
    ...fit.plans.flatMap((plan) => (plan.subscription === null ? [] : allowancesText(plan, fit, { paint }))),
    ...(months.length === 0 ? [] : [...usageText(fit), costsText(fit, { paint }), '']),
    paint('dim', `As of ${asOf.at}, offset ${asOf.cut.join(', ')} of the event log.`),
  ].join('\n');
}

function allowancesText({ plan, planVersion, every, allowances }: PlanCosts, { months }: PlanFit, { paint }: Paint): string[] {
  return allowances.flatMap(({ name, included, months: used, averagePercent }) => {
    const isCarried = used.some(({ carried = '0' }) => carried !== '0');
    const carriedCell = (cell: string) => (isCarried ? [cell] : []);
    const columns = ['used', ...carriedCell('carried'), '%'].map((title) => ({ title, align: 'right' }) as const);
    const period = PERIODS[every ?? 'month'] ?? [];
    return [
      [`${paint('bold', name)}: ${groupDigits(included)} included`, ...period, `in ${plan}, version ${planVersion}`].join(' '),
      '',
      table(
        [{ title: 'month' }, ...columns, { title: '' }],
        used.map((month, index) => [
          months[index]?.firstDay ?? '',
          groupDigits(month.used),
          ...carriedCell(groupDigits(month.carried ?? '0')),
          month.percent ?? '',
          month.percent === null ? '' : paint(month.exceeded ? 'red' : 'green', percentBar(month.percent)),
        ]),
        ['average', '', ...carriedCell(''), averagePercent ?? '', averagePercent === null ? '' : percentBar(averagePercent)],
      ),
      '',
    ];
  });
}

function usageText({ usage }: PlanFit): string[] {
  const rows = usage
    .filter(({ peakMonth }) => peakMonth !== null)
    .map(({ meter, peakMonth, peakDay, trend, scaling }) => [
      scaling === 'assumed' ? `${meter} *` : meter,
      `${groupDigits(peakMonth?.quantity ?? '')} in ${peakMonth?.firstDay.slice(0, 7) ?? ''}`,
      peakDay === null ? '' : `${groupDigits(peakDay.quantity)} on ${peakDay.day}`,
      trend === null ? '' : `${trend.growthPercent} %`,
      trend === null ? '' : groupDigits(trend.forecast),
    ]);
  if (rows.length === 0) return ['Nothing was used.', ''];
  const assumed = usage.some(({ scaling, peakMonth }) => scaling === 'assumed' && peakMonth !== null);
  return [
    table(
      [
        { title: 'meter' },
        { title: 'highest month' },
        { title: 'highest day' },
        { title: 'growth', align: 'right' },
        { title: 'next month', align: 'right' },
      ],
      rows,
    ),
    ...(assumed ? ['* no sum: twice the usage is assumed to double it'] : []),
    '',
  ];
}

const PERIODS: Readonly<Record<string, string[]>> = {
  week: ['by the week'],
  quarter: ['by the quarter'],
  half_year: ['by the half-year'],
  year: ['by the year'],
};

function costsText(fit: PlanFit, { paint }: Paint): string {
  const { plans, currency, assessments, notCompared } = fit;
  const rows = plans.map((plan) => {
    const isOf = (choice: Choice | null) =>
      choice?.plan === plan.plan && choice.planVersion === plan.planVersion && choice.isCurrent === (plan.subscription !== null);
    const marks = [
      ...(PERIODS[plan.every ?? 'month'] ?? []),
      ...(plan.subscription === null ? [] : ['subscribed']),
      ...(assessments.some(({ now }) => isOf(now)) ? [paint('green', 'fits now')] : []),
      ...(assessments.some(({ doubled }) => isOf(doubled)) ? [paint('cyan', 'fits twice the usage')] : []),
      ...assessments.flatMap(({ uncovered }) =>
        uncovered.filter((each) => each.plan === plan.plan).map(({ meters }) => paint('dim', `without ${meters.join(', ')}`)),
      ),
    ];
    const { total, average, doubledAverage } = plan;
    return [
      plan.plan,
      String(plan.planVersion),
      ...[total, average, doubledAverage].map(groupDigits),
      [...new Set(marks)].join(', '),
    ];
  });
  const money = (title: string) => ({ title, align: 'right' }) as const;
  const columns = [
    { title: 'plan' },
    money('version'),
    money(`total ${currency}`),
    money('a month'),
    money('twice the usage'),
    { title: '' },
  ];
  const reasons: Record<string, string> = {
    meter_archived: 'prices a meter that is archived',
  };
  const left = notCompared.map(({ plan, reason }) => paint('dim', `${plan} ${reasons[reason] ?? reason}: not compared.`));
  return [table(columns, rows), ...left].join('\n');
}

/** An item of `GET /v1/plan-fit`. */
export interface FitReportItem {
  readonly customer: string;
  readonly currency: string;
  readonly subscription: Assessment['subscription'];
  readonly fits: string;
  readonly total: string | null;
  readonly allowance: { readonly averagePercent: string | null } | null;
  readonly growthPercent: string | null;
  readonly now: Choice | null;
  readonly doubled: Choice | null;
}

/** One row for each subscription, or customer without one. */
export function fitReportText(items: readonly FitReportItem[], { paint }: Paint): string {
  if (items.length === 0) return 'No subscription is so.';
  const right = (title: string) => ({ title, align: 'right' }) as const;
  const colours: Record<string, 'red' | 'yellow' | 'green'> = { too_small: 'red', too_large: 'yellow', right: 'green' };
  return table(
    [
      { title: 'customer' },
      { title: 'plan' },
      { title: 'fits' },
      right('used %'),
      right('growth %'),
      right('total'),
      { title: 'fits now' },
      right('saving'),
      { title: 'at twice the usage' },
    ],
    items.map(({ customer, currency, subscription, fits, total, allowance, growthPercent, now, doubled }) => {
      const colour = colours[fits];
      return [
        customer,
        subscription === null ? '' : `${subscription.plan} ${subscription.planVersion}`,
        colour === undefined ? fits : paint(colour, fits),
        allowance?.averagePercent ?? '',
        growthPercent ?? '',
        total === null ? '' : `${groupDigits(total)} ${currency}`,
        now?.plan ?? '',
        now?.saving == null || now.isCurrent ? '' : `${groupDigits(now.saving)} ${currency}`,
        doubled?.plan ?? '',
      ];
    }),
  );
}
