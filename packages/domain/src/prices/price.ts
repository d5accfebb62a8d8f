import { z } from 'zod';
import { flatSchema } from './models/flat.ts';
import { graduatedSchema } from './models/graduated.ts';
import { packageSchema } from './models/package.ts';
import { perUnitSchema } from './models/per-unit.ts';
import { volumeSchema } from './models/volume.ts';

const MODELS = [flatSchema, perUnitSchema, graduatedSchema, volumeSchema, packageSchema] as const;
const MODEL_NAMES = MODELS.map((schema) => schema.shape.model.value).join(', ');

/** How usage becomes money, told apart by `model`. Decimals are strings. */
export const priceSchema = z.discriminatedUnion('model', MODELS, {
  error: (issue) => (issue.code === 'invalid_union' ? `model must be one of ${MODEL_NAMES}` : 'price must be an object'),
});
export type Price = z.infer<typeof priceSchema>;
