import type { Law } from '../law.ts';
import { agreement } from './agreement.ts';
import { carryOver } from './carry-over.ts';
import { explanations } from './explanations.ts';
import { growth } from './growth.ts';
import { order } from './order.ts';
import { parts } from './parts.ts';
import { shares } from './shares.ts';

/** What must hold of every price and all usage. */
export const LAWS: readonly Law[] = [...agreement, ...growth, ...order, ...parts, ...carryOver, ...explanations, ...shares];
