import type { Assessment, Choice } from '../assess.ts';
import type { Told } from './told.ts';

export function english({ assessment, currency, months }: Told): string {
  const { subscription, current, now, doubled } = assessment;
  if (subscription !== null && current === null) {
    return `${subscription.plan} cannot be compared: it prices a meter that is archived.`;
  }
  if (months === 0) return 'There is no whole month of usage to judge by yet.';
  const money = (amount: string) => `${amount} ${currency}`;
  const choice = now === null ? 'no plan prices everything that was used' : costs(now, assessment, money);
  const later = now === null || doubled === null ? '' : twice(now, doubled, money);
  return `${usage(assessment, months)}; ${choice}${later}.`;
}

function usage({ allowance, current, fits, growthPercent }: Assessment, months: number): string {
  const over = months === 1 ? 'In 1 month' : `In ${months} months`;
  const growth = growthPercent === null || growthPercent === '0' ? '' : `, changing by ${signed(growthPercent)} % a month`;
  if (current === null) return `Without a subscription${growth === '' ? '' : `, with usage${growth.slice(1)}`}`;
  if (allowance === null) return `${over} ${current.plan} had no allowance to outgrow${growth}`;
  const { name, included, averagePercent, monthsExceeded } = allowance;
  const units = `the ${included} units of ${name} in ${current.plan}`;
  const average = averagePercent === null ? '' : `, with ${averagePercent} % of them used on average`;
  if (current.every !== 'month') return `${over} ${averagePercent ?? '0'} % of ${units} were used${shareOf(current)}${growth}`;
  if (fits === 'too_small')
    return `${over} ${units} were exceeded ${monthsExceeded === 1 ? 'once' : `${monthsExceeded} times`}${average}${growth}`;
  return `${over} ${averagePercent ?? '0'} % of ${units} were used on average${growth}`;
}

function costs(now: Choice, { current }: Assessment, money: (amount: string) => string): string {
  if (current === null) return `${now.plan} would have cost the least, ${money(now.total)}${shareOf(now)}`;
  if (now.isCurrent) return `no other plan would have cost less than its ${money(now.total)}`;
  const percent = now.savingPercent === null ? '' : `, ${now.savingPercent} % less`;
  return `${now.plan} would have cost ${money(now.total)}${shareOf(now)} instead of ${money(current.total)}${percent}`;
}

function twice(now: Choice, doubled: Choice, money: (amount: string) => string): string {
  const same = now.plan === doubled.plan && now.planVersion === doubled.planVersion;
  return same
    ? ', and it still fits at twice the usage'
    : `, and at twice the usage ${doubled.plan} fits, for ${money(doubled.total)}${shareOf(doubled)}`;
}

const PERIODS = { week: 'a week', quarter: 'a quarter', half_year: 'half a year', year: 'a year' } as const;

/** Of a plan that bills by another period than a month. */
function shareOf({ every }: Pick<Choice, 'every'>): string {
  return every === 'month' ? '' : ` (by ${PERIODS[every]})`;
}

function signed(percent: string): string {
  return percent.startsWith('-') ? percent : `+${percent}`;
}
