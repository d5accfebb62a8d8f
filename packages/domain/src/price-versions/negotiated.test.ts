import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RateCard } from '../prices/index.ts';
import { type NegotiatedPrice, type Negotiation, negotiatedVersions, standingPrices } from './negotiated.ts';
import type { PriceChange } from './price-change.ts';
import { cardVersions, cardVersionsBetween } from './timeline.ts';

const MINUTE_MS = 60_000;
const card: RateCard = {
  key: 'calls',
  name: 'Calls',
  meter: 'calls',
  price: { model: 'per_unit', unitAmount: '0.10' },
  modifiers: { freeUnits: '100' },
};

interface Terms {
  readonly plan?: string | null;
  readonly rateCard?: string | null;
  readonly meter?: string | null;
  readonly price?: NegotiatedPrice['price'];
  readonly modifiers?: NegotiatedPrice['modifiers'];
}

const perUnit = (unitAmount: string) => ({ model: 'per_unit', unitAmount }) as const;

function agreed(revision: number, from: number, until: number | null, terms: Terms): NegotiatedPrice {
  return {
    ...{
      revision,
      plan: 'pro',
      rateCard: 'calls',
      meter: 'calls',
      knownSinceMs: revision,
      note: null,
      price: null,
      modifiers: null,
    },
    ...{ validFromMs: from * MINUTE_MS, validUntilMs: until === null ? null : until * MINUTE_MS },
    ...terms,
  };
}

const ended = (revision: number, ends: number, at: number): Negotiation => ({
  revision,
  ends,
  atMs: at * MINUTE_MS,
  knownSinceMs: revision,
});
const listChange = (revision: number, from: number, unitAmount: string): PriceChange => ({
  ...{ revision, rateCard: 'calls', validFromMs: from * MINUTE_MS, knownSinceMs: revision, modifiers: null },
  price: perUnit(unitAmount),
});

function shown(negotiations: readonly Negotiation[], changes: readonly PriceChange[] = [], of = card) {
  return negotiatedVersions(cardVersions(of, changes), standingPrices(negotiations)).map((version) => [
    version.fromMs === null ? null : version.fromMs / MINUTE_MS,
    version.toMs === null ? null : version.toMs / MINUTE_MS,
    version.card.price.model === 'per_unit' ? version.card.price.unitAmount : version.card.price.model,
    version.negotiated ?? 'list',
  ]);
}

describe('what a customer pays over time', () => {
  test('is the negotiated price while it holds, and the list price of the time before and after it', () => {
    expect(shown([agreed(1, 100, 200, { price: perUnit('0.07') })])).toEqual([
      [null, 100, '0.10', 'list'],
      [100, 200, '0.07', 1],
      [200, null, '0.10', 'list'],
    ]);
  });

  test('stays through changes of the list price, which hold again when it ends', () => {
    const changes = [listChange(1, 150, '0.12'), listChange(2, 180, '0.13')];
    expect(shown([agreed(1, 100, 200, { price: perUnit('0.07'), modifiers: { freeUnits: null } })], changes)).toEqual([
      [null, 100, '0.10', 'list'],
      [100, 200, '0.07', 1],
      [200, null, '0.13', 'list'],
    ]);
  });

  test('follows the list price where only modifiers were agreed on', () => {
    const off = agreed(1, 100, null, { modifiers: { percentOff: '20' } });
    expect(shown([off], [listChange(1, 150, '0.12')])).toEqual([
      [null, 100, '0.10', 'list'],
      [100, 150, '0.10', 1],
      [150, null, '0.12', 1],
    ]);
    const [, version] = negotiatedVersions(cardVersions(card, []), [off]);
    expect(version?.card).toEqual({ ...card, modifiers: { freeUnits: '100', percentOff: '20' } });
  });

  test('leaves out a modifier that was agreed away, and all of them with the last', () => {
    const [, version] = negotiatedVersions(cardVersions(card, []), [agreed(1, 100, null, { modifiers: { freeUnits: null } })]);
    const { modifiers: _modifiers, ...without } = card;
    expect(version?.card).toEqual(without);
  });

  test('is the newest agreement that holds, and the one before it when that ends', () => {
    expect(shown([agreed(1, 100, null, { price: perUnit('0.09') }), agreed(2, 150, 200, { price: perUnit('0.05') })])).toEqual([
      [null, 100, '0.10', 'list'],
      [100, 150, '0.09', 1],
      [150, 200, '0.05', 2],
      [200, null, '0.09', 1],
    ]);
  });

  test('ends earlier by an end, and never was by one at its beginning', () => {
    const price = agreed(1, 100, 200, { price: perUnit('0.07') });
    expect(shown([price, ended(2, 1, 150), ended(3, 1, 180)]).map(([, , , by]) => by)).toEqual(['list', 1, 'list']);
    expect(shown([price, ended(2, 1, 150)])[1]).toEqual([100, 150, '0.07', 1]);
    expect(shown([price, ended(2, 1, 100)])).toEqual([[null, null, '0.10', 'list']]);
  });

  test('is the list price of a card with another key, of one with another meter, and of one that the terms do not go with', () => {
    const price = agreed(1, 100, null, { price: perUnit('0.07') });
    const list = (of: RateCard) => shown([price], [], of).every(([, , , by]) => by === 'list');
    expect(list({ ...card, key: 'minutes' })).toBe(true);
    expect(list({ ...card, meter: 'minutes' })).toBe(true);
    const singly = { ...card, modifiers: { rounding: { mode: 'up', scope: 'event' } } } as const;
    const tiers = [{ upTo: null, unitAmount: '1' }];
    const graduated = agreed(1, 100, null, { price: { model: 'graduated', tiers } });
    expect(shown([graduated], [], singly)).toEqual([[null, null, '0.10', 'list']]);
    expect(shown([graduated])[1]).toEqual([100, null, 'graduated', 1]);
  });
});

describe('a percentage off everything', () => {
  const off = (revision: number, from: number, until: number | null, percentOff: string, plan: string | null = null) =>
    agreed(revision, from, until, { plan, rateCard: null, meter: null, modifiers: { percentOff } });
  const percentOf = (of: RateCard, ...entries: NegotiatedPrice[]) =>
    negotiatedVersions(cardVersions(of, []), entries).map(({ card: held, negotiated }) => [
      held.modifiers?.percentOff,
      negotiated,
    ]);

  test('is off a card of any meter, and off what its own leaves', () => {
    const fee: RateCard = { key: 'base', name: 'Base', price: { model: 'flat', amount: '31.00' } };
    expect(percentOf(fee, off(1, 0, null, '20'))[1]).toEqual(['20', 1]);
    const sale = { ...card, modifiers: { percentOff: '10' } };
    expect(percentOf(sale, off(1, 0, null, '20'))[1]).toEqual(['28', 1]); // 100 - 90 * 0.8
    expect(percentOf(sale, off(1, 0, null, '33.5'))[1]).toEqual(['40.15', 1]); // 100 - 90 * 0.665
  });

  test('rests while the card’s own agreement, or one for the plan, holds, whichever was entered last', () => {
    const all = off(4, 0, null, '20');
    const ofPlan = off(3, 100, 400, '30', 'pro');
    const own = agreed(2, 200, 300, { modifiers: { percentOff: '5' } });
    expect(percentOf(card, own, ofPlan, all)).toEqual([
      [undefined, undefined],
      ['20', 4],
      ['30', 3],
      ['5', 2],
      ['30', 3],
      ['20', 4],
    ]);
  });

  test('makes free what it takes off whole: no minimum is left', () => {
    const least = { ...card, modifiers: { minimumSpend: '5' } };
    const [, free] = negotiatedVersions(cardVersions(least, []), [off(1, 0, null, '100')]);
    expect(free?.card.modifiers).toEqual({ percentOff: '100' });
    const [, cheaper] = negotiatedVersions(cardVersions(least, []), [off(1, 0, null, '99')]);
    expect(cheaper?.card.modifiers).toEqual({ minimumSpend: '5', percentOff: '99' });
  });
});

test('at every instant the price is that of the newest agreement known that holds, else the list price of the instant; versions tile the range', () => {
  const minute = fc.integer({ min: 0, max: 20 });
  const entry = fc.record({ from: minute, length: fc.option(fc.integer({ min: 1, max: 10 })), ends: fc.boolean() });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), fc.array(minute, { maxLength: 5 }), fc.nat(8), (entries, listed, known) => {
      const changes = listed.map((from, index) => listChange(index + 1, from, `1.${index}`));
      const negotiations = entries.map(({ from, length, ends }, index) => {
        const isEnd = ends && index > 0;
        return isEnd
          ? ended(index + 1, index, from)
          : agreed(index + 1, from, length === null ? null : from + length, { price: perUnit(`0.${index}`) });
      });
      const seen = negotiations.slice(0, known);
      const versions = negotiatedVersions(
        cardVersionsBetween(card, changes, { fromMs: 0, toMs: 30 * MINUTE_MS }),
        standingPrices(seen),
      );
      expect(versions.map(({ fromMs }) => fromMs)).toEqual([0, ...versions.slice(0, -1).map(({ toMs }) => toMs)]);
      expect(versions.at(-1)?.toMs).toBe(30 * MINUTE_MS);
      for (let at = 0; at < 30; at += 1) {
        // The plain way: each entry asked by itself whether it holds.
        const holding = seen.findLast((each) => {
          if ('ends' in each || each.validFromMs > at * MINUTE_MS || (each.validUntilMs ?? Infinity) <= at * MINUTE_MS)
            return false;
          return !seen.some((other) => 'ends' in other && other.ends === each.revision && other.atMs <= at * MINUTE_MS);
        });
        const list = changes.findLast(({ validFromMs }) => validFromMs <= at * MINUTE_MS);
        const expected = holding !== undefined && !('ends' in holding) ? holding.price : (list?.price ?? card.price);
        const version = versions.find(({ fromMs, toMs }) => fromMs <= at * MINUTE_MS && at * MINUTE_MS < toMs);
        expect([version?.card.price, version?.negotiated]).toEqual([expected, holding?.revision]);
      }
    }),
  );
});
