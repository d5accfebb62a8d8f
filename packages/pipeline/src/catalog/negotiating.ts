import { Fault, type FaultDetail } from '@meterline/domain/faults';
import { isPriceChangeInstant, type NegotiatedPrice, type Negotiation, standingPrices } from '@meterline/domain/price-versions';
import { floorMinute, formatInstant } from '@meterline/domain/time';
import { type NegotiatingPorts, ofAllCards, ofOneCard } from './agreed-cards.ts';
import { instantMs } from './fields.ts';
import { type NegotiatedEndInput, type NewNegotiatedPrice, shapeFaults } from './negotiated-price-input.ts';

/** The price as it is to be kept. Everything wrong with it is refused together. */
export async function negotiating(
  ports: NegotiatingPorts,
  entered: readonly Negotiation[],
  input: NewNegotiatedPrice,
  tenant: string,
): Promise<Omit<NegotiatedPrice, 'revision' | 'knownSinceMs'>> {
  const { plan, rateCard, note = null } = input;
  const validFromMs = instantMs(input.validFrom) ?? floorMinute(await ports.clock.nowMs(tenant));
  const validUntilMs = instantMs(input.validUntil) ?? null;
  const errors: FaultDetail[] = [
    ...wholeMinute('validFrom', validFromMs),
    ...wholeMinute('validUntil', validUntilMs ?? 0),
    ...(validUntilMs !== null && validUntilMs <= validFromMs ? [{ path: 'validUntil', message: 'must be after validFrom' }] : []),
    ...shapeFaults(input),
  ];
  const valid = { validFromMs, validUntilMs, note };
  const { draft, faults } =
    plan === undefined || rateCard === undefined
      ? await ofAllCards(ports, input, valid, tenant)
      : await ofOneCard(ports, entered, { ...input, plan, rateCard }, valid, tenant);
  if (errors.length + faults.length > 0) throw invalidAgreement([...errors, ...faults]);
  return draft;
}

/** The same of an end. */
export function ending(entered: readonly Negotiation[], revision: number, { at }: NegotiatedEndInput, nowMs: number) {
  const price = standingPrices(entered).find((each) => each.revision === revision);
  if (price === undefined)
    throw new Fault('not_found', 'negotiated_price.unknown', `The customer has no negotiated price ${revision}.`);
  const { plan, rateCard, validFromMs, validUntilMs } = price;
  const atMs = instantMs(at) ?? Math.max(floorMinute(nowMs), validFromMs);
  const errors = wholeMinute('at', atMs);
  if (atMs < validFromMs)
    errors.push({ path: 'at', message: `must not be before ${formatInstant(validFromMs)}, when it begins` });
  if (validUntilMs !== null && atMs >= validUntilMs)
    errors.push({ path: 'at', message: `must be before ${formatInstant(validUntilMs)}, when it ends already` });
  if (errors.length > 0) throw invalidAgreement(errors);
  return { ends: revision, atMs, plan, rateCard };
}

function wholeMinute(path: string, ms: number): FaultDetail[] {
  return isPriceChangeInstant(ms) ? [] : [{ path, message: 'must be a whole minute: usage is kept by the minute' }];
}

export function invalidAgreement(errors: readonly FaultDetail[]): Fault {
  return new Fault('invalid', 'negotiated_price.invalid', 'This cannot be agreed on.', { errors });
}
