import assert from 'node:assert/strict';
import { evaluatePrice, type PriceInput, type UsageGroup } from '@meterline/domain/rating';
import fc from 'fast-check';
import { inputOf, wholePeriod } from '../arbitraries/questions.ts';
import { law } from '../law.ts';

const shuffled = wholePeriod.chain((question) =>
  fc.tuple(
    fc.constant(question),
    fc.shuffledSubarray([...question.now], { minLength: question.now.length, maxLength: question.now.length }),
  ),
);

export const order = [
  law('the order of events does not matter', shuffled, ([question, now]) => {
    assert.deepEqual(evaluatePrice(inputOf({ ...question, now })), evaluatePrice(inputOf(question)));
  }),
  law('nor does it matter how the same usage is told: turned round, or in several pieces', wholePeriod, (question) => {
    const input = inputOf(question);
    const told = evaluatePrice(input);
    assert.deepEqual(evaluatePrice({ ...input, groups: input.groups?.toReversed(), values: input.values?.toReversed() }), told);
    assert.deepEqual(evaluatePrice(inPieces(input)), told);
  }),
];

/** Each group and each value of many events told as two of them. */
function inPieces(input: PriceInput): PriceInput {
  const apart = <T extends { events: number }>({ events, ...rest }: T) =>
    events > 1
      ? [
          { ...rest, events: events - 1 },
          { ...rest, events: 1 },
        ]
      : [{ ...rest, events }];
  const groupsApart = ({ values, ...group }: UsageGroup) => [
    { ...group, values: values?.flatMap(apart) },
    { ...group, quantity: '0', events: 0, ...(values && { values: [] }) },
  ];
  return { ...input, values: input.values?.flatMap(apart), groups: input.groups?.flatMap(groupsApart) };
}
