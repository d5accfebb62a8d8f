import { isDeepStrictEqual } from 'node:util';
import type { FaultDetail } from '@meterline/domain/faults';
import { type RateCard, rateCardSchema } from '@meterline/domain/prices';
import type { MeterStore } from '../ports/index.ts';
import { misfits } from './metered-cards.ts';

/** What a rate card at another price may not be. */
export function cardFaults(card: RateCard): FaultDetail[] {
  const parsed = rateCardSchema.safeParse(card);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
}

/** Units that an allowance left over were counted by the conversion of then. */
export function recounted({ modifiers = {} }: RateCard, before: readonly RateCard[]): FaultDetail[] {
  const left = before.flatMap((card) => (card.modifiers?.allowance?.carryOver ? [card.modifiers] : []));
  if (!modifiers.allowance || left.every((each) => isDeepStrictEqual(each.unitConversion, modifiers.unitConversion))) return [];
  const message =
    'must stay as it is while the allowance takes over units that earlier periods left: they are counted in its unit';
  return [{ path: 'modifiers.unitConversion', message }];
}

/** The meter stays, and must be able to tell what another price asks for. */
export async function meterFaults(card: RateCard, meters: Pick<MeterStore, 'byKeys'>, tenant: string): Promise<FaultDetail[]> {
  const [meter] = card.meter === undefined ? [] : await meters.byKeys([card.meter], tenant);
  return meter === undefined ? [] : misfits(card, meter);
}
