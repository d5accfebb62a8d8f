import type { BasicPrice, Price } from '../../prices/index.ts';
import { dynamic } from './dynamic.ts';
import { flat } from './flat.ts';
import { graduated } from './graduated.ts';
import { graduatedPercentage } from './graduated-percentage.ts';
import { matrix, type MatrixModel } from './matrix.ts';
import type { Model } from './model.ts';
import { packages } from './package.ts';
import { perSeat } from './per-seat.ts';
import { perUnit } from './per-unit.ts';
import { percentage } from './percentage.ts';
import { volume } from './volume.ts';

/** A new model is a schema, a file here, and a case. */
export function modelOf(price: BasicPrice): Model {
  switch (price.model) {
    case 'flat':
      return { rate: flat(price) };
    case 'per_unit':
      return perUnit(price);
    case 'graduated':
      return { rate: graduated(price) };
    case 'volume':
      return { rate: volume(price) };
    case 'package':
      return { rate: packages(price) };
    case 'percentage':
      return percentage(price);
    case 'graduated_percentage':
      return { rate: graduatedPercentage(price) };
    case 'dynamic':
      return dynamic(price);
    case 'per_seat':
      return { rate: perSeat(price) };
  }
}

/** Any price: one that holds others knows the order of its cells. */
export function pricingOf(price: Price): Model & Partial<MatrixModel> {
  return price.model === 'matrix' ? matrix(price, modelOf) : modelOf(price);
}
