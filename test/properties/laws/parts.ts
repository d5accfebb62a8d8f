import assert from 'node:assert/strict';
import { currencyExponent } from '@meterline/domain/money';
import {
  type ChargeInput,
  compilePrice,
  evaluationOf,
  type PeriodPosition,
  ratePricedParts,
  type PriceEvaluation,
} from '@meterline/domain/rating';
import fc from 'fast-check';
import { event, inputOf, type Terms, terms, toldBy, wholePeriod } from '../arbitraries/questions.ts';
import { law } from '../law.ts';
import type { Question } from '../oracle/charge.ts';
import { Rational } from '../oracle/rational.ts';
import type { UsageEvent } from '../oracle/usage.ts';

/** Amounts that are told to 18 digits add up to within this. */
const SLACK = Rational.of(1n, 10n ** 15n);

const inParts = fc.record({
  question: wholePeriod,
  parts: fc.array(fc.array(event, { maxLength: 3 }), { minLength: 2, maxLength: 4 }),
});
const wallet = fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 3 });

export const parts = [
  law('parts of a period, each beyond the one before, sum to the whole', inParts, ({ question, parts: lists }) => {
    const made = { ...question, modifiers: withoutCredits(question, ['line', 'cumulative']) };
    let before: UsageEvent[] = [];
    let billed = Rational.ZERO;
    lists.forEach((now, index) => {
      const input = inputOf({ ...made, before, now, position: positionIn(lists, index), previousAmount: billed });
      const part = evaluatedPart(input);
      // Usage that comes may move other usage out of an allowance, and so make it cheaper. What a maximum took off is not known then.
      fc.pre(!part.amount.startsWith('-') || made.modifiers.maximumSpend === undefined);
      billed = billed.plus(exactly(part));
      before = [...before, ...now];
    });
    const whole = exactly(evaluatedPart(inputOf({ ...made, now: before })));
    assert.ok(
      !billed.minus(whole).most(whole.minus(billed)).isAbove(SLACK),
      `${billed.toText()} in parts, ${whole.toText()} whole`,
    );
  }),
  law('a period billed as it goes, corrections and all, comes to what it costs once', inParts, ({ question, parts: lists }) => {
    const made = { ...question, modifiers: withoutCredits(question, []) };
    let billed = Rational.ZERO;
    lists.forEach((usage, index) => {
      const due = soFar(made, usage, { position: positionIn(lists, index), previousAmount: billed });
      billed = billed.plus(Rational.parse(due.total));
    });
    const whole = evaluatedPart(inputOf({ ...made, now: lists.at(-1) ?? [] }));
    assert.equal(billed.toText(), Rational.parse(whole.total).toText());
  }),
  law(
    'credits are conserved: what is paid and what is due make the charge, in one part or many',
    fc.tuple(inParts, wallet),
    ([{ question, parts: lists }, cents]) => {
      const unit = Rational.of(1n, 10n ** BigInt(currencyExponent(question.currency)));
      const grants = cents.map((n) => Rational.of(n).times(unit));
      const owned = Rational.sum(grants);
      const made = { ...question, modifiers: withoutCredits(question, []) };
      let [charged, paid, due] = [Rational.ZERO, Rational.ZERO, Rational.ZERO];
      lists.forEach((usage, index) => {
        const credits = grants.map((grant) => grant.toText());
        const offered = { ...made, modifiers: { ...made.modifiers, credits } };
        const evaluation = soFar(offered, usage, {
          position: positionIn(lists, index),
          previousAmount: charged,
          previousCredits: paid,
        });
        const money = (figure: 'amount' | 'charges' | 'discounts' | 'credits' | 'total') => Rational.parse(evaluation[figure]);
        charged = charged.plus(money('amount')).plus(money('charges')).minus(money('discounts'));
        paid = paid.plus(money('credits'));
        due = due.plus(money('total'));
        assert.ok(!paid.isAbove(owned) && !Rational.ZERO.isAbove(paid), `${paid.toText()} paid of ${owned.toText()}`);
        assert.ok(!paid.isAbove(charged.most(Rational.ZERO)), `${paid.toText()} paid for ${charged.toText()}`);
      });
      const whole = evaluatedPart(inputOf({ ...made, now: lists.at(-1) ?? [] }));
      assert.equal(charged.toText(), Rational.parse(whole.total).toText());
      assert.equal(paid.plus(due).toText(), charged.toText());
    },
  ),
  law(
    'a price that changes to itself within a period charges what it charges without the change',
    fc.record({
      terms,
      lists: fc.array(fc.array(event, { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      days: fc.array(fc.nat(10), { minLength: 3, maxLength: 3 }),
    }),
    ({ terms: made, lists, days }) => {
      fc.pre(!JSON.stringify(made).includes('per_seat') && made.modifiers.rounding?.scope !== 'line');
      const stretches = lists.map((list, index) => ({ ...made, usage: toldBy(made, list), days: days[index] ?? 0 }));
      const daysInPeriod = stretches.reduce((sum, stretch) => sum + stretch.days, 0);
      fc.pre(daysInPeriod > 0);
      const changed = ratePricedParts({ currency: 'USD', parts: stretches, daysInPeriod });
      const once = ratePricedParts({
        currency: 'USD',
        parts: [{ ...made, usage: toldBy(made, lists.flat()), days: daysInPeriod }],
        daysInPeriod,
      });
      assert.equal(changed.exactAmount, once.exactAmount);
      assert.equal(changed.total, once.total);
    },
  ),
];

function positionIn(lists: readonly unknown[], index: number): PeriodPosition {
  return index === 0 ? 'first' : index === lists.length - 1 ? 'last' : 'middle';
}

/** Neither credits, which the parts would be given again, nor a rounding that has to see the whole. */
function withoutCredits({ modifiers }: Question, scopes: string[]): Terms['modifiers'] {
  const { credits: _, rounding, ...rest } = modifiers;
  const kept = rounding && !scopes.includes(rounding.scope ?? 'charge');
  return { ...rest, ...(kept && { rounding }) };
}

function chargeInput({
  quantity,
  eventsCount,
  groups,
  values,
  previousQuantity,
  previousEventsCount,
  previousGroups,
  previousValues,
  ...rest
}: ReturnType<typeof inputOf>): ChargeInput {
  const previous = {
    quantity: previousQuantity ?? '0',
    events: BigInt(previousEventsCount ?? '0'),
    groups: previousGroups,
    values: previousValues,
  };
  return {
    ...rest,
    usage: { quantity, events: BigInt(eventsCount ?? '0'), groups, values },
    previousUsage: previousQuantity === undefined ? undefined : previous,
  };
}

function evaluatedPart(input: ReturnType<typeof inputOf>): PriceEvaluation {
  return evaluationOf(compilePrice(input).charge(chargeInput(input)));
}

function soFar(
  question: Question,
  usage: readonly UsageEvent[],
  billed: Pick<Question, 'position' | 'previousAmount' | 'previousCredits'>,
): PriceEvaluation {
  const input = inputOf({ ...question, ...billed, before: [], now: usage });
  return evaluationOf(compilePrice(input).chargeSoFar(chargeInput(input)));
}

function exactly({ exactAmount }: PriceEvaluation): Rational {
  return Rational.parse(exactAmount);
}
