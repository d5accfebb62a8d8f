import { describe, expect, test } from 'vitest';
import { decimal, formatDecimal } from '../money/index.ts';
import { carriedOver, settle } from './carry-over.ts';
import { ledgerFaults, moved, type MovementKind, newBalance } from './movement.ts';
import { HOUR_MS, pack } from './prepaid.fixture.ts';

const rule = (percent: string, maximum: string | null = null) => ({ percent, maximum, expiresAtMs: 20 * HOUR_MS });
const settled = (left: string, carryOver: ReturnType<typeof rule> | null, terms = {}) => {
  const grant = pack('jan', '100', { expiresAtMs: 10 * HOUR_MS, carryOver, ...terms });
  return settle(moved(newBalance(grant), { kind: 'grant', amount: left }), 11 * HOUR_MS);
};
const shown = ({ movements }: ReturnType<typeof settle>) =>
  movements.map(({ grant, kind, amount }) => `${kind} ${grant} ${amount}`);

test.each([
  ['90', '100', '50', '50'],
  ['90', '50', null, '45'],
  ['90', '50', '100', '45'],
  ['0', '100', '50', '0'],
  ['0.000000000001', '50', null, '0'],
])('of %s left, %s %% up to %s carry over as %s', (left, percent, maximum, expected) => {
  expect(formatDecimal(carriedOver(decimal(left), { percent, maximum }))).toBe(expected);
});

describe('what is left at the end', () => {
  test('expires', () => expect(shown(settled('30', null))).toEqual(['expire jan -30']));

  test('goes on in a successor, and the rest expires', () => {
    const { successor, ...rest } = settled('80', rule('50', '25'));
    expect(shown({ successor, ...rest })).toEqual(['carry_over jan -25', 'carry_over jan_carried 25', 'expire jan -55']);
    expect(successor).toMatchObject({ amount: '25', effectiveAtMs: 10 * HOUR_MS, expiresAtMs: 20 * HOUR_MS, carriedFrom: 'jan' });
    expect(successor?.carryOver).toBeNull();
  });

  test('of money carries over in whole digits of its currency', () => {
    const credit = { units: null, currency: 'USD' };
    expect(shown(settled('0.05', rule('50'), credit))).toEqual([
      'carry_over jan -0.02',
      'carry_over jan_carried 0.02',
      'expire jan -0.03',
    ]);
  });

  test('is nothing: then nothing moves', () => expect(settled('0', rule('50'))).toEqual({ successor: null, movements: [] }));

  test('given back after the end, it carries the share of all that was left, and no more', () => {
    const grant = pack('jan', '100', { expiresAtMs: 10 * HOUR_MS, carryOver: rule('50', '25') });
    // 40 were left: 20 went on, 20 expired. 30 come back: 70 were left, of which 25 at most go on
    const movements = [
      { kind: 'grant', amount: '100' },
      { kind: 'burn', amount: '-60' },
      { kind: 'carry_over', amount: '-20' },
      { kind: 'expire', amount: '-20' },
      { kind: 'refund', amount: '30' },
    ] as const;
    const balance = movements.reduce(moved, newBalance(grant));
    expect(shown(settle(balance, 0))).toEqual(['carry_over jan -5', 'carry_over jan_carried 5', 'expire jan -25']);
  });

  test('of a grant that was withdrawn is withdrawn too', () => {
    const balance = [
      { kind: 'grant', amount: '10' },
      { kind: 'burn', amount: '-4' },
      { kind: 'void', amount: '-6' },
      { kind: 'refund', amount: '1' },
    ] as const;
    expect(shown(settle(balance.reduce(moved, newBalance(pack('g', '10', { carryOver: rule('50') }))), 0))).toEqual([
      'void g -1',
    ]);
  });
});

describe('a ledger that does not add up is told from one that does', () => {
  const row = (position: number, kind: MovementKind, amount: string, balance: string, grant = 'g') => {
    return { position, grant, kind, amount, balance };
  };
  test.each([
    ['sound', [row(1, 'grant', '10', '10'), row(2, 'burn', '-4', '6')], []],
    ['a gap', [row(1, 'grant', '10', '10'), row(3, 'burn', '-4', '6')], ['position 3 stands where 2 should']],
    ['a wrong balance', [row(1, 'grant', '10', '11')], ['1: movements of g add up to 10, its balance says 11']],
    ['overdrawn', [row(1, 'grant', '1', '1'), row(2, 'burn', '-2', '-1')], ['2: g is overdrawn by 1']],
    ['a wrong sign', [row(1, 'grant', '5', '5'), row(2, 'burn', '3', '8')], ['2: a burn of 3']],
    ['more back than expired', [row(1, 'grant', '5', '5'), row(2, 'expire', '1', '6')], ['2: more of g comes back than expired']],
    [
      'a lost carry-over',
      [row(1, 'grant', '5', '5'), row(2, 'carry_over', '-3', '2')],
      ['what was carried over and what arrived differ by -3'],
    ],
  ])('%s', (_, rows, faults) => expect(ledgerFaults(rows)).toEqual(faults));
});
