import { describe, expect, test } from 'vitest';
import { decimal } from '../money/index.ts';
import { PrepaidAccount } from './account.ts';
import { moved } from './movement.ts';
import { accountOf, balancesOf, draw, HOUR_MS, movementsOf, pack, shown, used } from './prepaid.fixture.ts';

const MINUTES = { meter: 'calls', filter: {}, conversion: { operation: 'divide', factor: '60', rounding: 'half_up' } } as const;

describe('the order of burning', () => {
  const grants = [
    pack('late', '10', { expiresAtMs: 9 * HOUR_MS, createdAtMs: 1, cost: '5' }),
    pack('early', '10', { expiresAtMs: 5 * HOUR_MS, createdAtMs: 2, cost: '5' }),
    pack('first', '10', { priority: -1, createdAtMs: 4, cost: '5' }),
    pack('free', '10', { priority: 7, createdAtMs: 3 }),
    pack('second-early', '10', { expiresAtMs: 5 * HOUR_MS, createdAtMs: 3, cost: '0.01' }),
  ];
  test.each([
    ['priority', ['first', 'early', 'second-early', 'late', 'free']],
    ['purchase', ['late', 'early', 'free', 'second-early', 'first']],
    ['free_first', ['free', 'first', 'early', 'second-early', 'late']],
  ] as const)('%s', (order, expected) => {
    const account = accountOf(grants, order);
    expect(draw(account, [used('45')]).map(({ grant }) => grant)).toEqual(expected);
    expect(balancesOf(account)[expected[4]]).toBe('5');
  });
});

test('one pack is drawn on by several lines, and several packs by one line', () => {
  const account = accountOf([pack('a', '10', { priority: 1 }), pack('b', '10', { priority: 2 })]);
  expect(shown(draw(account, [used('7')], { line: 'one' }))).toEqual({ a: '7 for 7' });
  expect(shown(draw(account, [used('8.5')], { line: 'two' }))).toEqual({ a: '3 for 3', b: '5.5 for 5.5' });
  expect(shown(draw(account, [used('9')], { line: 'three' }))).toEqual({ b: '4.5 for 4.5' });
  expect(balancesOf(account)).toEqual({ a: '0', b: '0' });
  expect(movementsOf(account)).toEqual(['burn a -7', 'burn a -3', 'burn b -5.5', 'burn b -4.5']);
});

describe('time', () => {
  test('usage before a pack begins or after it ends never burns it', () => {
    const account = accountOf([pack('a', '100', { effectiveAtMs: 2 * HOUR_MS, expiresAtMs: 4 * HOUR_MS })]);
    const hours = [0, 1, 2, 3, 4, 5].map((hour) => used('10', hour));
    expect(shown(draw(account, hours))).toEqual({ a: '20 for 20' });
  });

  test('a pack that begins within a minute pays from the next one on, and one that ends within a minute up to it', () => {
    const account = accountOf([pack('a', '100', { effectiveAtMs: 30_000, expiresAtMs: 150_000 })]);
    const minutes = [0, 1, 2].map((minute) => {
      return { fromMs: minute * 60_000, toMs: (minute + 1) * 60_000, cell: {}, quantity: decimal('10') };
    });
    expect(shown(draw(account, minutes))).toEqual({ a: '10 for 10' });
  });
});

test('a pack for one dimension leaves the usage of the others to other packs', () => {
  const hd = pack('hd', '100', { units: { meter: 'calls', filter: { quality: ['hd', 'fhd'] }, conversion: null } });
  const account = accountOf([hd, pack('any', '5', { priority: 1 })]);
  const cells = [used('30', 0, { quality: 'audio' }), used('20', 0, { quality: 'hd' }), used('10', 0, { quality: 'fhd' })];
  expect(shown(draw(account, cells))).toEqual({ hd: '30 for 30', any: '5 for 5' });
});

describe('a pack in another unit', () => {
  test('30 s, 20 s and 40 s on three days deduct 1, 0 and 1 minutes, as the total of the period is rounded', () => {
    const account = accountOf([pack('minutes', '10', { units: MINUTES })]);
    const days = [used('30', 0), used('20', 24), used('40', 48)];
    const deducted = days.map((_, day) => {
      const before = days.slice(0, day);
      const earlier = draw(accountOf([pack('minutes', '10', { units: MINUTES })]), before);
      const left = balancesOf(account)['minutes'];
      draw(account, days.slice(0, day + 1), { before, drawn: earlier });
      return Number(left) - Number(balancesOf(account)['minutes']);
    });
    // 30 s are 0.5 -> 1 minute; 50 s are 0.83 -> still 1; 90 s are 1.5 -> 2
    expect(deducted).toEqual([1, 0, 1]);
  });

  test('gives whole minutes as long as it has them, and the rest is left to be priced', () => {
    const account = accountOf([pack('minutes', '2', { units: MINUTES })]);
    // 200 s would be 3 minutes; 2 of them are 120 s
    expect(shown(draw(account, [used('200')]))).toEqual({ minutes: '120 for 2' });
  });

  test('covers what rounds down to what it has', () => {
    const account = accountOf([pack('minutes', '2', { units: MINUTES })]);
    expect(shown(draw(account, [used('149')]))).toEqual({ minutes: '149 for 2' });
  });
});

describe('corrections', () => {
  test('usage that is withdrawn gives back to the packs it took from, the last first', () => {
    const account = accountOf([
      pack('a', '10', { priority: 1 }),
      pack('b', '10', { priority: 2 }),
      pack('c', '10', { priority: 3 }),
    ]);
    const drawn = draw(account, [used('25')]);
    expect(shown(draw(account, [used('12')], { before: [used('25')], drawn }))).toEqual({ a: '10 for 10', b: '2 for 2' });
    expect(balancesOf(account)).toEqual({ a: '0', b: '8', c: '10' });
    expect(movementsOf(account).slice(3)).toEqual(['refund b 8', 'refund c 5']);
  });

  test('usage that was priced for want of a pack stays priced, whatever pack came since', () => {
    const account = accountOf([pack('new', '100')]);
    // 50 units were priced before the pack was bought; 8 came late
    expect(shown(draw(account, [used('58')], { before: [used('50')] }))).toEqual({ new: '8 for 8' });
  });

  test('late usage from before the end of a pack takes what had expired, and only that', () => {
    const expired = pack('old', '10', { expiresAtMs: 5 * HOUR_MS });
    const account = accountOf([expired]);
    const drawn = draw(account, [used('6')]);
    const balances = account.balances().map((balance) => moved(balance, { kind: 'expire', amount: '-4' }));
    const settled = new PrepaidAccount({ position: 3, order: 'priority', balances });
    expect(shown(draw(settled, [used('9'), used('50', 6)], { before: [used('6')], drawn }))).toEqual({ old: '9 for 9' });
    expect(movementsOf(settled)).toEqual(['expire old 3', 'burn old -3']);
    expect(balancesOf(settled)).toEqual({ old: '0' });
  });

  test('nothing moves while usage stays as it was', () => {
    const account = accountOf([pack('a', '10', { units: MINUTES }), pack('b', '10')]);
    const usage = [used('400', 0), used('300', 1)];
    const drawn = draw(account, usage);
    const before = movementsOf(account);
    expect(draw(account, usage, { before: usage, drawn })).toEqual(drawn);
    expect(movementsOf(account)).toEqual(before);
  });
});
