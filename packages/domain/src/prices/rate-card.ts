import { z } from 'zod';
import { keyField, nameField, strictFields } from './fields.ts';
import { modifiersSchema } from './modifiers.ts';
import { priceSchema } from './price.ts';
import { termsFaults } from './terms.ts';

const filterRule = 'filter must be an object of dimension name -> text or list of texts';
const filterValueRule = 'filter values must be a text or a list of at least one text';
const filterField = z.record(
  z.string().min(1).max(128),
  z.union([z.string(), z.array(z.string()).min(1, filterValueRule)], { error: filterValueRule }),
  { error: filterRule },
);

/**
 * One priced position of a plan: the usage of a meter, narrowed by a filter on its dimensions, and its price. A flat price has no meter,
 * unless an overage price puts usage on top of it; every other price needs one.
 */
export const rateCardSchema = strictFields('rate card', {
  key: keyField('key'),
  name: nameField('name'),
  meter: keyField('meter').optional(),
  filter: filterField.optional(),
  price: priceSchema,
  modifiers: modifiersSchema.optional(),
}).check((context) => {
  for (const [path, message] of faultsOf(context.value)) {
    context.issues.push({ code: 'custom', path, message, input: context.value });
  }
});
export type RateCard = z.infer<typeof rateCardSchema>;

type Card = Pick<RateCard, 'meter' | 'filter' | 'price' | 'modifiers'>;

function* faultsOf({ meter, filter, price, modifiers }: Card): Generator<[string[], string]> {
  for (const [path, message] of termsFaults(price, modifiers ?? {})) yield [['modifiers', ...path], message];
  const { allowance, unitConversion, freeUnits } = modifiers ?? {};
  const flat = price.model === 'flat';
  if (!flat && meter === undefined) yield [['meter'], `meter is required with a ${price.model} price`];
  if (flat && allowance?.overagePrice && meter === undefined) yield [['meter'], 'meter is required with an overagePrice'];
  if (filter && meter === undefined) yield [['filter'], 'filter needs a meter'];
  if (!flat || allowance?.overagePrice) return;
  if (meter !== undefined) yield [['meter'], 'meter must be absent with a flat price, unless its allowance has an overagePrice'];
  if (allowance) yield [['modifiers', 'allowance', 'overagePrice'], 'overagePrice is required in the allowance of a flat price'];
  if (unitConversion) yield [['modifiers', 'unitConversion'], 'unitConversion must be absent with a flat price'];
  if (freeUnits !== undefined) yield [['modifiers', 'freeUnits'], 'freeUnits must be absent with a flat price'];
}
