import { z } from 'zod';
import { dimensionField, strictFields } from '../fields.ts';
import { basicPriceSchema } from './basic.ts';

const valueRule = 'match values must be a text or a list of at least one text';
const cellSchema = strictFields('cell', {
  /** Dimension -> value, or list of values; what is not named may be anything. */
  match: z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1, valueRule)], { error: valueRule }), {
    error: 'match must be an object of dimension name -> text or list of texts',
  }),
  price: basicPriceSchema,
});
export type MatrixCell = z.infer<typeof cellSchema>;

const namesField = (name: string) =>
  z
    .array(dimensionField(name), { error: `${name} must be a list of dimension names` })
    .min(1, `${name} must name at least one dimension`)
    .max(8, `${name} must name at most 8 dimensions`);

/**
 * Usage is split by the values of `dimensions`; the first cell that fits prices it, else `default`; without one it costs nothing.
 * Usage that fits the same cell is priced together, or, with `groupBy`, apart for each combination of values of those dimensions.
 */
export const matrixSchema = strictFields('matrix price', {
  model: z.literal('matrix'),
  dimensions: namesField('dimensions'),
  cells: z.array(cellSchema, { error: 'cells must be a list of cells' }).max(500, 'cells must be at most 500'),
  default: basicPriceSchema.optional(),
  groupBy: namesField('groupBy').optional(),
}).check((context) => {
  for (const [path, message] of faultsOf(context.value)) {
    context.issues.push({ code: 'custom', path, message, input: context.value });
  }
});
export type MatrixPrice = z.infer<typeof matrixSchema>;

type Fields = Pick<MatrixPrice, 'dimensions' | 'cells' | 'default' | 'groupBy'>;

function* faultsOf({ dimensions, cells, default: otherwise, groupBy = [] }: Fields): Generator<[(string | number)[], string]> {
  if (cells.length === 0 && !otherwise) yield [['cells'], 'cells must hold a cell, unless there is a default'];
  if (new Set(dimensions).size < dimensions.length) yield [['dimensions'], 'dimensions must name each dimension once'];
  for (const [index, name] of groupBy.entries()) {
    if (!dimensions.includes(name)) yield [['groupBy', index], `groupBy names "${name}", which is not one of dimensions`];
  }
  for (const [index, { match }] of cells.entries()) {
    for (const name of Object.keys(match)) {
      if (!dimensions.includes(name))
        yield [['cells', index, 'match', name], `match names "${name}", which is not one of dimensions`];
    }
  }
}
