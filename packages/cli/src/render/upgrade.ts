import { table } from './table.ts';

export interface Upgrade {
  readonly id: string;
  readonly subscription: string;
  readonly state: string;
  readonly steps: readonly {
    readonly step: string;
    readonly passed: boolean;
    readonly checks: readonly { readonly check: string; readonly passed: boolean; readonly message: string }[];
  }[];
  readonly createdAt: string;
  readonly graceUntil: string;
}

const mark = (passed: boolean) => (passed ? '✓' : '✗');

/** Every step with what its checks found. */
export function upgradeText({ id, state, steps, graceUntil }: Upgrade): string {
  const lines = steps.flatMap(({ step, passed, checks }) => [
    `${mark(passed)} ${step}`,
    ...checks.map((each) => `    ${each.passed ? '' : `${mark(false)} `}${each.check}: ${each.message}`),
  ]);
  const afterwards = state === 'done' ? [`Until ${graceUntil} it is taken back by: meterline subscription rollback`] : [];
  return [...lines, '', `Upgrade ${id} is ${state.replace('_', ' ')}.`, ...afterwards].join('\n');
}

export function upgradesText(upgrades: readonly Upgrade[]): string {
  const columns = ['Upgrade', 'State', 'At', 'Taken back until'].map((title) => ({ title }));
  return table(
    columns,
    upgrades.map(({ id, state, createdAt, graceUntil }) => [id, state, createdAt, graceUntil]),
  );
}
