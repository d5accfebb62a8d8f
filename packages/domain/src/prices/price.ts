import { z } from 'zod';
import { BASIC_MODELS, modelError } from './models/basic.ts';
import { matrixSchema } from './models/matrix.ts';

const MODELS = [...BASIC_MODELS, matrixSchema] as const;

/** How usage becomes money, told apart by `model`. Decimals are strings. */
export const priceSchema = z.discriminatedUnion('model', MODELS, {
  error: modelError(MODELS.map((schema) => schema.shape.model.value)),
});
export type Price = z.infer<typeof priceSchema>;
