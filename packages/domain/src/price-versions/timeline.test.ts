import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RateCard } from '../prices/index.ts';
import type { PriceChange } from './price-change.ts';
import { cardVersions, cardVersionsBetween } from './timeline.ts';

const MINUTE_MS = 60_000;
const card: RateCard = {
  key: 'hd',
  name: 'HD minutes',
  meter: 'minutes',
  price: { model: 'per_unit', unitAmount: '0.016' },
  modifiers: { percentOff: '5' },
};

function change(revision: number, validFromMinute: number, unitAmount: string, rateCard = 'hd'): PriceChange {
  const price = { model: 'per_unit', unitAmount } as const;
  return { revision, rateCard, validFromMs: validFromMinute * MINUTE_MS, knownSinceMs: revision, price, modifiers: null };
}

const shown = (changes: readonly PriceChange[]) =>
  cardVersions(card, changes).map(({ fromMs, toMs, card: { price }, revision }) => [
    fromMs === null ? null : fromMs / MINUTE_MS,
    toMs === null ? null : toMs / MINUTE_MS,
    price.model === 'per_unit' ? price.unitAmount : price.model,
    revision,
  ]);

describe('the prices of a card over time', () => {
  test('without changes it has the price it was made with, since ever', () => {
    expect(cardVersions(card, [])).toEqual([{ fromMs: null, toMs: null, card, revision: 0 }]);
  });

  test('a change replaces price and modifiers from its instant on, and nothing else of the card', () => {
    const [, version] = cardVersions(card, [change(1, 100, '0.012')]);
    expect(version?.card).toEqual({
      key: 'hd',
      name: 'HD minutes',
      meter: 'minutes',
      price: { model: 'per_unit', unitAmount: '0.012' },
    });
  });

  test('a later change before or at an earlier one supersedes it; one after it follows it', () => {
    expect(shown([change(1, 100, '1'), change(2, 200, '2')])).toEqual([
      [null, 100, '0.016', 0],
      [100, 200, '1', 1],
      [200, null, '2', 2],
    ]);
    expect(shown([change(1, 100, '1'), change(2, 200, '2'), change(3, 200, '3')])).toEqual([
      [null, 100, '0.016', 0],
      [100, 200, '1', 1],
      [200, null, '3', 3],
    ]);
    expect(shown([change(1, 100, '1'), change(2, 200, '2'), change(3, 150, '3')])).toEqual([
      [null, 100, '0.016', 0],
      [100, 150, '1', 1],
      [150, null, '3', 3],
    ]);
  });

  test('changes of other cards are none of its own', () => {
    expect(shown([change(1, 100, '1', 'sd')])).toEqual([[null, null, '0.016', 0]]);
  });

  test('in a range they are clipped to it, and leave out what holds elsewhere', () => {
    const changes = [change(1, 100, '1'), change(2, 200, '2')];
    const between = (from: number, to: number) =>
      cardVersionsBetween(card, changes, { fromMs: from * MINUTE_MS, toMs: to * MINUTE_MS }).map(({ fromMs, toMs, revision }) => [
        fromMs / MINUTE_MS,
        toMs / MINUTE_MS,
        revision,
      ]);
    expect(between(100, 200)).toEqual([[100, 200, 1]]);
    expect(between(50, 250)).toEqual([
      [50, 100, 0],
      [100, 200, 1],
      [200, 250, 2],
    ]);
  });
});

test('at every instant the price is that of the newest change known that holds by then, whatever the order of their instants', () => {
  const entered = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 12 });
  fc.assert(
    fc.property(entered, fc.integer({ min: 0, max: 21 }), fc.nat(12), (instants, at, known) => {
      const changes = instants.map((minute, index) => change(index + 1, minute, String(index + 1)));
      const seen = changes.slice(0, known);
      const atMs = at * MINUTE_MS;
      const [version] = cardVersionsBetween(card, seen, { fromMs: atMs, toMs: atMs + 1 });
      expect(version?.revision).toBe(seen.findLast(({ validFromMs }) => validFromMs <= atMs)?.revision ?? 0);
    }),
  );
});

test('clipped versions tile the range without gap or overlap', () => {
  const instants = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 12 });
  fc.assert(
    fc.property(instants, fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 50 }), (minutes, from, length) => {
      const changes = minutes.map((minute, index) => change(index + 1, minute, '1'));
      const range = { fromMs: from * MINUTE_MS, toMs: (from + length) * MINUTE_MS };
      const versions = cardVersionsBetween(card, changes, range);
      expect(versions.map(({ fromMs }) => fromMs)).toEqual([range.fromMs, ...versions.slice(0, -1).map(({ toMs }) => toMs)]);
      expect(versions.at(-1)?.toMs).toBe(range.toMs);
    }),
  );
});
