import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  add,
  compare,
  decimal,
  type Decimal,
  formatDecimal,
  isNegative,
  isZero,
  negate,
  subtract,
  ZERO,
} from '../money/index.ts';
import { PrepaidAccount } from './account.ts';
import { BURN_ORDERS, compareBurn } from './burn-order.ts';
import { settle } from './carry-over.ts';
import type { Drawn } from './draw.ts';
import { usableWindow } from './grant.ts';
import { type GrantBalance, ledgerFaults, type LedgerRow, moved, type MovementDraft, newBalance } from './movement.ts';
import { HOUR_MS, pack, used } from './prepaid.fixture.ts';
import type { Slice } from './slice.ts';

const HOURS = 6;
const amount = fc.integer({ min: 1, max: 400 }).map((tenths) => formatDecimal(decimal(`${tenths}e-1`)));
const hourly = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: HOURS, maxLength: HOURS });
const step = fc.oneof(
  fc.record({ does: fc.constant('top_up' as const), amount, priority: fc.integer({ min: 0, max: 2 }), from: fc.nat(4), hours: fc.integer({ min: 1, max: 6 }), carries: fc.boolean(), rounded: fc.boolean() }), // prettier-ignore
  fc.record({ does: fc.constant('use' as const), line: fc.constantFrom('one', 'two', 'three'), hourly }),
  fc.record({ does: fc.constant('void' as const), which: fc.nat(9) }),
  fc.record({ does: fc.constant('settle' as const), hour: fc.integer({ min: 1, max: 12 }) }),
);

/** A customer whose ledger is written as the store writes it. */
function customer(order: (typeof BURN_ORDERS)[number]) {
  let balances: GrantBalance[] = [];
  const rows: LedgerRow[] = [];
  const lines = new Map<string, { slices: Slice[]; drawn: readonly Drawn[] }>();

  function write(movements: readonly Pick<MovementDraft, 'grant' | 'kind' | 'amount'>[]): void {
    for (const { grant, kind, amount: change } of movements) {
      balances = balances.map((each) => (each.grant.id === grant ? moved(each, { kind, amount: change }) : each));
      const balance = formatDecimal(balances.find((each) => each.grant.id === grant)?.balance ?? ZERO);
      rows.push({ position: rows.length + 1, grant, kind, amount: change, balance });
    }
  }

  return {
    rows,
    lines,
    balances: () => balances,
    play(each: typeof step extends fc.Arbitrary<infer Step> ? Step : never): void {
      if (each.does === 'top_up') {
        const expiresAtMs = (each.from + each.hours) * HOUR_MS;
        const carryOver = each.carries ? { percent: '50', maximum: '7', expiresAtMs: expiresAtMs + 2 * HOUR_MS } : null;
        const conversion = each.rounded ? ({ operation: 'divide', factor: '7', rounding: 'half_up' } as const) : null;
        const units = { meter: 'calls', filter: {}, conversion };
        const id = `g${balances.length}`;
        const terms = { effectiveAtMs: each.from * HOUR_MS, expiresAtMs, carryOver, units, createdAtMs: balances.length };
        balances.push(newBalance(pack(id, each.amount, { ...terms, priority: each.priority })));
        write([{ grant: id, kind: 'grant', amount: each.amount }]);
      } else if (each.does === 'use') {
        const before = lines.get(each.line);
        const slices = each.hourly.map((quantity, hour) => used(formatDecimal(decimal(`${quantity}e-1`)), hour));
        const account = new PrepaidAccount({ position: rows.length, order, balances });
        const asked = { line: each.line, adjusts: null, before: before?.slices ?? [], now: slices, drawn: before?.drawn ?? [] };
        const { drawn } = account.draw(asked, account.unitGrants('calls'), '');
        write(account.movementsOf(''));
        lines.set(each.line, { slices, drawn });
      } else if (each.does === 'void') {
        const found = balances[each.which];
        if (found === undefined || isZero(found.balance)) return;
        write([{ grant: found.grant.id, kind: 'void', amount: formatDecimal(negate(found.balance)) }]);
      } else {
        for (const balance of balances) {
          const ended = balance.voided || (balance.grant.expiresAtMs ?? Infinity) <= each.hour * HOUR_MS;
          if (!ended) continue;
          const { successor, movements } = settle(balance, each.hour * HOUR_MS);
          if (successor !== null && !balances.some(({ grant }) => grant.id === successor.id))
            balances.push(newBalance(successor));
          write(movements);
        }
      }
    },
  };
}

const sum = (rows: readonly LedgerRow[], kind: LedgerRow['kind']) =>
  rows.filter((row) => row.kind === kind).reduce((total, row) => add(total, decimal(row.amount)), ZERO);

test('whatever happens in whatever order, the ledger adds up: granted = burned - refunded + expired + voided + left', () => {
  fc.assert(
    fc.property(fc.constantFrom(...BURN_ORDERS), fc.array(step, { minLength: 3, maxLength: 25 }), (order, steps) => {
      const world = customer(order);
      for (const each of steps) world.play(each);
      expect(ledgerFaults(world.rows)).toEqual([]);
      const gone = (['burn', 'refund', 'expire', 'void'] as const).map((kind) => sum(world.rows, kind)).reduce(add, ZERO);
      const left = world.balances().reduce((total, { balance }) => add(total, balance), ZERO);
      expect(formatDecimal(add(sum(world.rows, 'grant'), gone))).toBe(formatDecimal(left));
    }),
    { numRuns: 400 },
  );
});

test('every grant has given what its lines say, no more than was used in its time, and never less than nothing', () => {
  fc.assert(
    fc.property(fc.constantFrom(...BURN_ORDERS), fc.array(step, { minLength: 3, maxLength: 25 }), (order, steps) => {
      const world = customer(order);
      for (const each of steps) world.play(each);
      for (const { grant } of world.balances()) {
        const given = [...world.lines.values()].flatMap(({ drawn }) => drawn.filter((each) => each.grant === grant.id));
        const burned = world.rows.filter((row) => row.grant === grant.id && (row.kind === 'burn' || row.kind === 'refund'));
        const net = burned.reduce((total, row) => subtract(total, decimal(row.amount)), ZERO);
        expect(formatDecimal(net)).toBe(formatDecimal(given.reduce((total, { units }) => add(total, units), ZERO)));
        for (const { slices, drawn } of world.lines.values()) {
          const own = drawn.find((each) => each.grant === grant.id)?.quantity ?? ZERO;
          const { fromMs, toMs } = usableWindow(grant);
          const inTime = slices.filter((slice) => slice.fromMs >= fromMs && slice.toMs <= toMs);
          expect(compare(own, total(inTime))).toBeLessThanOrEqual(0);
          expect(isNegative(own)).toBe(false);
        }
      }
      for (const { slices, drawn } of world.lines.values()) {
        expect(
          compare(
            drawn.reduce((all, { quantity }) => add(all, quantity), ZERO),
            total(slices),
          ),
        ).toBeLessThanOrEqual(0);
      }
    }),
    { numRuns: 400 },
  );
});

test('usage known at once takes what the same usage takes as it comes to light, hour by hour', () => {
  const grants = fc.array(fc.record({ amount, priority: fc.nat(3), rounded: fc.boolean() }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(grants, hourly, (terms, quantities) => {
      const packs = terms.map(({ amount: units, priority, rounded }, index) => {
        const conversion = rounded ? ({ operation: 'divide', factor: '7', rounding: 'half_up' } as const) : null;
        return pack(`g${index}`, units, { priority, units: { meter: 'calls', filter: {}, conversion } });
      });
      const slices = quantities.map((quantity, hour) => used(String(quantity), hour));
      const fresh = () => {
        const balances = packs.map((each) => moved(newBalance(each), { kind: 'grant', amount: each.amount }));
        return new PrepaidAccount({ position: 0, order: 'priority', balances });
      };
      const draw = (account: PrepaidAccount, before: Slice[], now: Slice[], drawn: readonly Drawn[]) =>
        account.draw({ line: 'calls', adjusts: null, before, now, drawn }, account.unitGrants('calls'), '').drawn;
      const whole = draw(fresh(), [], slices, []);
      const account = fresh();
      let drawn: readonly Drawn[] = [];
      for (let hour = 1; hour <= HOURS; hour += 1) drawn = draw(account, slices.slice(0, hour - 1), slices.slice(0, hour), drawn);
      const plain = (each: readonly Drawn[]) => each.map(({ grant, quantity, units }) => [grant, formatDecimal(quantity), formatDecimal(units)]); // prettier-ignore
      expect(plain(drawn)).toEqual(plain(whole));
    }),
    { numRuns: 300 },
  );
});

test.each(BURN_ORDERS)('%s ranks any grants the same way, however they are listed', (order) => {
  const grant = fc.record({
    id: fc.string({ minLength: 1, maxLength: 4 }),
    priority: fc.nat(3),
    expiresAtMs: fc.option(fc.nat(3)),
    createdAtMs: fc.nat(3),
    cost: fc.constantFrom(null, '0', '0.00', '5'),
  });
  fc.assert(
    fc.property(fc.uniqueArray(grant, { selector: ({ id }) => id, maxLength: 8 }), (grants) => {
      const ranked = grants.toSorted((a, b) => compareBurn(order, a, b));
      expect(grants.toReversed().toSorted((a, b) => compareBurn(order, a, b))).toEqual(ranked);
    }),
  );
});

function total(slices: readonly Slice[]): Decimal {
  return slices.reduce((sumSoFar, { quantity }) => add(sumSoFar, quantity), ZERO);
}
