import { z } from 'zod';
import { dynamicSchema } from './dynamic.ts';
import { flatSchema } from './flat.ts';
import { graduatedPercentageSchema } from './graduated-percentage.ts';
import { graduatedSchema } from './graduated.ts';
import { packageSchema } from './package.ts';
import { perSeatSchema } from './per-seat.ts';
import { perUnitSchema } from './per-unit.ts';
import { percentageSchema } from './percentage.ts';
import { volumeSchema } from './volume.ts';

/** Every model that does not hold other prices. */
export const BASIC_MODELS = [
  flatSchema,
  perUnitSchema,
  graduatedSchema,
  volumeSchema,
  packageSchema,
  percentageSchema,
  graduatedPercentageSchema,
  dynamicSchema,
  perSeatSchema,
] as const;

export function modelError(names: readonly string[]) {
  return (issue: { code?: string }) =>
    issue.code === 'invalid_union' ? `model must be one of ${names.join(', ')}` : 'price must be an object';
}

/** A price that may stand in a cell of a matrix: any but another matrix. */
export const basicPriceSchema = z.discriminatedUnion('model', BASIC_MODELS, {
  error: modelError(BASIC_MODELS.map((schema) => schema.shape.model.value)),
});
export type BasicPrice = z.infer<typeof basicPriceSchema>;
