import { carriedOver as unitsLeft, describe, type RatedLine } from '../rating/index.ts';
import type { InvoiceDocument, InvoiceLine } from './document.ts';
import type { LineInput } from './line-input.ts';

/** What came into a period of a card's allowance, and what it leaves to the next one; see `InvoiceLine`. */
export type Carried = Pick<InvoiceLine, 'carriedUnits' | 'carriedOver'>;

/** As the line of the same input states it. */
export function carriedOn({
  parts,
  carriedUnits,
  goesOn = false,
}: Pick<LineInput, 'parts' | 'carriedUnits' | 'goesOn'>): Carried {
  const { price, modifiers } = (parts.at(-1) ?? parts[0]).rateCard;
  const usage = parts.flatMap((part) => part.usage ?? []);
  const left = goesOn ? null : unitsLeft({ price, modifiers, usage, carriedUnits });
  const came = carriedUnits !== undefined && carriedUnits !== '0';
  return { ...(came && { carriedUnits }), ...(left !== null && { carriedOver: left }) };
}

/** How a line says what it leaves; nothing where that is nothing. */
export function carriedOverStep({ carriedOver, modifiers }: Pick<InvoiceLine, 'carriedOver' | 'modifiers'>): RatedLine[] {
  if (carriedOver === undefined || carriedOver === '0') return [];
  const maximumUnits = modifiers?.allowance?.carryOver?.maximumUnits ?? null;
  const step = { quantity: carriedOver, unitAmount: null, amount: '0', facts: { type: 'carried_over', maximumUnits } } as const;
  return [{ kind: 'included', description: describe(step, 'en'), ...step }];
}

/** What is known of the allowances of an invoiced period, by rate card: as it says itself, or as the last invoice `after` it that settled it. */
export function carriedAsKnown(
  { number, lines }: Pick<InvoiceDocument, 'number' | 'lines'>,
  after: readonly Pick<InvoiceDocument, 'adjustments'>[],
): ReadonlyMap<string, Carried> {
  const settled = after.flatMap(({ adjustments }) => adjustments).filter(({ invoice }) => invoice === number);
  return new Map([...lines, ...settled].map((entry) => [entry.key, entry]));
}

export function isCarriedAlike(a: Carried, b: Carried = {}): boolean {
  return a.carriedUnits === b.carriedUnits && a.carriedOver === b.carriedOver;
}

/** Units that a period took over from the one before, by rate card. */
export function takenOver(carried: ReadonlyMap<string, Carried>): ReadonlyMap<string, string> {
  return new Map([...carried].flatMap(([key, { carriedUnits }]) => (carriedUnits === undefined ? [] : [[key, carriedUnits]])));
}

/** Units that a period hands on to the next one, by rate card. */
export function handedOn(carried: ReadonlyMap<string, Carried>): ReadonlyMap<string, string> {
  return new Map([...carried].flatMap(([key, { carriedOver }]) => (carriedOver === undefined ? [] : [[key, carriedOver]])));
}
