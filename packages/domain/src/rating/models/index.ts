import type { Price } from '../../prices/index.ts';
import type { Line } from '../charge.ts';
import type { Usage } from '../usage.ts';
import { rateFlat } from './flat.ts';
import { rateGraduated } from './graduated.ts';
import { ratePackage } from './package.ts';
import { ratePerUnit } from './per-unit.ts';
import { rateVolume } from './volume.ts';

/** What a price asks for this usage, line by line. A new model is a schema, a file here, and a case. */
export function rateUsage(price: Price, usage: Usage): Line[] {
  switch (price.model) {
    case 'flat':
      return rateFlat(price, usage);
    case 'per_unit':
      return ratePerUnit(price, usage);
    case 'graduated':
      return rateGraduated(price, usage);
    case 'volume':
      return rateVolume(price, usage);
    case 'package':
      return ratePackage(price, usage);
  }
}
