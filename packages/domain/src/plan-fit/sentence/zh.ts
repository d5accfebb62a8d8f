import type { Assessment, Choice } from '../assess.ts';
import type { Told } from './told.ts';

export function chinese({ assessment, currency, months }: Told): string {
  const { subscription, current, now, doubled } = assessment;
  if (subscription !== null && current === null) {
    return `${subscription.plan} 无法比较：其计费所用的计量项已归档。`;
  }
  if (months === 0) return '还没有一个完整月份的用量可供判断。';
  const money = (amount: string) => `${amount} ${currency}`;
  const choice = now === null ? '没有套餐能覆盖全部已用的计量项' : costs(now, assessment, money);
  const later = now === null || doubled === null ? '' : twice(now, doubled, money);
  return `${usage(assessment, months)}；${choice}${later}。`;
}

function usage({ allowance, current, fits, growthPercent }: Assessment, months: number): string {
  const growth = growthPercent === null || growthPercent === '0' ? '' : `，用量每月变化 ${signed(growthPercent)}%`;
  if (current === null) return `目前没有订阅${growth}`;
  if (allowance === null) return `${current.plan} 没有包含用量（统计 ${months} 个月）${growth}`;
  const { name, included, averagePercent, monthsExceeded } = allowance;
  const average = `月均使用 ${averagePercent ?? '0'}%`;
  const what = `${current.plan} 包含的 ${included} 个单位“${name}”`;
  if (current.every !== 'month') return `${what}按 ${months} 个月${shareOf(current)}使用 ${averagePercent ?? '0'}%${growth}`;
  if (fits === 'too_small') return `${what}在 ${months} 个月中有 ${monthsExceeded} 个月超出，${average}${growth}`;
  return `${what}在 ${months} 个月中${average}${growth}`;
}

function costs(now: Choice, { current }: Assessment, money: (amount: string) => string): string {
  if (current === null) return `${now.plan} 费用最低，为 ${money(now.total)}${shareOf(now)}`;
  if (now.isCurrent) return `没有其他套餐比现在的 ${money(now.total)} 更便宜`;
  const percent = now.savingPercent === null ? '' : `，节省 ${now.savingPercent}%`;
  return `若使用 ${now.plan}，费用为 ${money(now.total)}${shareOf(now)}，而不是 ${money(current.total)}${percent}`;
}

function twice(now: Choice, doubled: Choice, money: (amount: string) => string): string {
  const same = now.plan === doubled.plan && now.planVersion === doubled.planVersion;
  return same ? '，用量翻倍时仍然适合' : `，用量翻倍时适合 ${doubled.plan}，费用为 ${money(doubled.total)}${shareOf(doubled)}`;
}

const PERIODS = { week: '周', quarter: '季度', half_year: '半年', year: '年' } as const;

function shareOf({ every }: Pick<Choice, 'every'>): string {
  return every === 'month' ? '' : `（按${PERIODS[every]}折算）`;
}

function signed(percent: string): string {
  return percent.startsWith('-') ? percent : `+${percent}`;
}
