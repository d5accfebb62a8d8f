import assert from 'node:assert/strict';
import { evaluatePrice } from '@meterline/domain/rating';
import { inputOf, partOfPeriod, wholePeriod } from '../arbitraries/questions.ts';
import { law } from '../law.ts';
import { type Answer, answerOf, type Question } from '../oracle/charge.ts';
import { Rational } from '../oracle/rational.ts';

const FIGURES = ['exactAmount', 'amount', 'discounts', 'charges', 'credits', 'total'] as const;

export const agreement = [
  law('a whole period costs what the oracle works out from its single events', wholePeriod, agrees),
  law('a part of a period costs what the oracle works out from its single events', partOfPeriod, agrees),
];

function agrees(question: Question): void {
  const evaluation = evaluatePrice(inputOf(question));
  const answer: Answer = answerOf(question);
  const told = FIGURES.map((figure) => `${figure} ${Rational.parse(evaluation[figure]).toText()}`);
  assert.deepEqual(
    told,
    FIGURES.map((figure) => `${figure} ${answer[figure].toText()}`),
  );
}
