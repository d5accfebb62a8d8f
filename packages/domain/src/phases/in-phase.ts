import type { PlanFeature } from '../entitlements/index.ts';
import type { FaultDetail } from '../faults/index.ts';
import { type RateCard, rateCardSchema, reducedTo } from '../prices/index.ts';
import type { PlanPhase } from './phase.ts';

/** What a plan version says for all of its time. */
export interface PhasedTerms {
  readonly rateCards: readonly RateCard[];
  readonly features: readonly PlanFeature[];
}

/** What a plan version comes to in a phase of it; null: behind its phases. Features that it does not name stay. */
export function termsIn<Terms extends PhasedTerms>(phase: PlanPhase | null, terms: Terms): Terms {
  if (phase === null) return terms;
  const { features = [] } = phase;
  const isReplaced = ({ feature }: PlanFeature) => features.some((own) => own.feature === feature);
  return {
    ...terms,
    rateCards: cardsIn(phase, terms.rateCards),
    features: [...terms.features.filter((feature) => !isReplaced(feature)), ...features],
  };
}

/** Rate cards that the phase prices by itself: changes of the plan version's prices reach them behind the phase. */
export function pricedBy({ rateCards = [], percentOff }: PlanPhase, cards: readonly RateCard[]): string[] {
  return cards.map(({ key }) => key).filter((key) => percentOff !== undefined || rateCards.some((own) => own.key === key));
}

/** A trial has no one-time fees but those that it names: they are due with the first paid period. */
export function cardsIn({ rateCards = [], percentOff, trial }: PlanPhase, cards: readonly RateCard[]): RateCard[] {
  return cards.flatMap((card) => {
    const own = rateCards.find(({ key }) => key === card.key);
    if (own === undefined && trial !== undefined && isOnce(card)) return [];
    if (own?.price !== undefined) {
      const { price: _price, modifiers: _modifiers, ...rest } = card;
      return [{ ...rest, price: own.price, ...(own.modifiers && { modifiers: own.modifiers }) }];
    }
    const off = own?.percentOff ?? percentOff;
    return [off === undefined ? card : reducedTo(card, off)];
  });
}

function isOnce({ price }: RateCard): boolean {
  return price.model === 'flat' && price.interval === 'once';
}

/** What is wrong with the phases of a plan version beside its own rate cards, by the path within it. */
export function phaseFaults(phases: readonly PlanPhase[], rateCards: readonly RateCard[]): FaultDetail[] {
  return phases.flatMap((phase, index) =>
    (phase.rateCards ?? []).flatMap((own, at): FaultDetail[] => {
      const path = `phases[${index}].rateCards[${at}]`;
      const card = rateCards.find(({ key }) => key === own.key);
      if (card === undefined) return [{ path: `${path}.key`, message: `the plan version has no rate card "${own.key}"` }];
      if (own.price === undefined) return [];
      if ((own.price.model === 'flat') !== (card.price.model === 'flat'))
        return [{ path: `${path}.price.model`, message: 'must be flat exactly where that of the rate card is' }];
      const issues = rateCardSchema.safeParse(cardsIn(phase, [card])[0]).error?.issues ?? [];
      return issues.map((issue) => ({ path: [path, ...issue.path].join('.'), message: issue.message }));
    }),
  );
}
