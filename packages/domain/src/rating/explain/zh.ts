import type { RoundingMode } from '../../money/index.ts';
import type { TierPlace } from '../evaluation.ts';
import type { Days } from './facts.ts';
import type { ToldLine } from './told-line.ts';

const MODES: Record<RoundingMode, string> = {
  half_up: '四舍五入',
  half_even: '四舍六入五成双',
  up: '进一法',
  down: '去尾法',
  ceiling: '向上取整',
  floor: '向下取整',
};

const SCOPES = {
  event: '逐个事件',
  line: '逐行',
  charge: '按费用合计',
  invoice: '按账单总额',
  cumulative: '按本周期累计费用',
};

export function chinese(line: ToldLine): string {
  const { context = {} } = line;
  const { overage, takenBack, group, version, roundedFrom } = context;
  const place = [
    version === undefined ? '' : `第 ${version} 个价格：`,
    overage ? '超出部分：' : '',
    takenBack ? '此前已计费：' : '',
    group
      ? `${
          Object.values(group)
            .map((value) => value || '（无）')
            .join('、') || '其他'
        }：`
      : '',
  ].join('');
  const told = sentence(takenBack ? { ...line, quantity: unsigned(line.quantity ?? '') } : line);
  return place + told + (roundedFrom === undefined ? '' : `，由 ${roundedFrom} 舍入`);
}

function sentence({ tier, facts, ...line }: ToldLine): string {
  const quantity = line.quantity ?? '';
  const unitAmount = line.unitAmount ?? '';
  const units = `${quantity} 个单位`;
  switch (facts.type) {
    case 'flat_fee':
      return `${facts.count === undefined ? '' : `${facts.count} 份`}固定费用 ${unitAmount}${share(facts)}`;
    case 'one_time_fee':
      return `${facts.count === undefined ? '' : `${facts.count} 份`}一次性费用 ${unitAmount}`;
    case 'units':
      return `${units}，单价 ${unitAmount}`;
    case 'tier_units':
      return `${units}，单价 ${unitAmount}（${tierName(tier)}）`;
    case 'tier_rate':
      return `${quantity} 的 ${facts.rate}%（${tierName(tier)}）`;
    case 'tier_fee':
      return `固定金额 ${facts.flatAmount}（${tierName(tier)}）`;
    case 'packages': {
      const free = facts.freeUnits === null ? '' : `，不含免费的 ${facts.freeUnits} 个单位`;
      return `${quantity} 个包（每包 ${facts.packageSize} 个单位），每包 ${unitAmount}${free}`;
    }
    case 'rate':
      return `${quantity} 的 ${facts.rate}%`;
    case 'event_fees':
      return `${quantity} 个事件，每个 ${unitAmount}`;
    case 'event_minimum':
      return `${quantity} 个事件补足至每个最低 ${facts.minimum}`;
    case 'event_maximum':
      return `${quantity} 个事件按每个最高 ${facts.maximum} 封顶`;
    case 'free_events':
      return `${quantity} 个事件免费`;
    case 'free_amount':
      return `${quantity} 免费`;
    case 'multiplied':
      return `${quantity} 乘以 ${facts.multiplier}`;
    case 'seats': {
      const included = facts.includedSeats === null ? '' : `，不含套餐内的 ${facts.includedSeats} 个`;
      const least = facts.minimumSeats === null ? '' : `，至少按 ${facts.minimumSeats} 个计费`;
      return `${quantity} 个席位，每个 ${unitAmount}${included}${least}${share(facts)}`;
    }
    case 'seat_change': {
      const back = quantity.startsWith('-');
      return `${back ? '减少' : '增加'} ${unsigned(quantity)} 个席位，每个 ${unitAmount}${share(facts)}`;
    }
    case 'converted': {
      const { rounding } = facts;
      const rounded = rounding
        ? `（${rounding.scope === 'event' ? '逐个事件' : ''}${MODES[rounding.mode]}，保留 ${rounding.decimals} 位小数）`
        : '';
      return `${facts.source} ${facts.operation === 'divide' ? '÷' : '×'} ${facts.factor} = ${units}${rounded}`;
    }
    case 'weighted':
      return `${facts.value || '（无）'}：${facts.source} 个单位，每个折算 ${facts.factor}，共 ${quantity}`;
    case 'free_units':
      return `${units}在 ${facts.units} 个免费单位之内`;
    case 'allowance': {
      const carried = facts.carriedUnits === null ? '' : `和结转的 ${facts.carriedUnits} 个`;
      return `${units}在 ${facts.units} 个单位的套餐额度${carried}之内`;
    }
    case 'carried_over': {
      const most = facts.maximumUnits === null ? '' : `（最多 ${facts.maximumUnits} 个）`;
      return `套餐额度剩余 ${units}，结转至下一周期${most}`;
    }
    case 'prepaid':
      return `由预付包 ${facts.name} 抵扣`;
    case 'no_price':
      return `${units}没有适用价格，不收费`;
    case 'negotiated':
      return `协议价格（${facts.revision}）`;
    case 'percent_off':
      return `优惠 ${facts.percent}%`;
    case 'maximum':
      return `按最高消费 ${facts.limit} 封顶${share(facts)}`;
    case 'minimum':
      return `补足至最低消费 ${facts.limit}${share(facts)}`;
    case 'credit':
      return `由 ${facts.credit} 的抵扣额支付`;
    case 'credit_returned':
      return '退回抵扣额：此前支付超过应付金额';
    case 'billed_before':
      return '减去本周期此前已计费金额';
    case 'rounded':
      return `${SCOPES[facts.scope]}舍入（${MODES[facts.mode]}）：${facts.exactAmount} 记为 ${facts.roundedAmount}`;
  }
}

function tierName(tier: TierPlace | undefined): string {
  if (!tier) return '阶梯';
  const { index, from, upTo } = tier;
  return upTo === null ? `第 ${index + 1} 档，超过 ${from}` : `第 ${index + 1} 档，${from} 至 ${upTo}`;
}

function share({ days = null, daysInPeriod = null, unit }: Partial<Days>): string {
  return days === null || daysInPeriod === null ? '' : `，计 ${days}/${daysInPeriod} ${unit === 'second' ? '秒' : '天'}`;
}

function unsigned(quantity: string): string {
  return quantity.replace(/^-/, '');
}
