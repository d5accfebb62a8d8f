import { describe, type RatedLine } from '../rating/index.ts';
import type { LinePart } from './line-input.ts';

/** How a line says which of its parts are charged at what the customer agreed on. */
export function negotiatedSteps(parts: readonly Pick<LinePart, 'negotiated'>[]): RatedLine[] {
  return parts.flatMap(({ negotiated }, index) => {
    if (negotiated === undefined) return [];
    const facts = { type: 'negotiated', revision: negotiated } as const;
    const step = {
      ...{ quantity: null, unitAmount: null, amount: '0', facts },
      ...(parts.length > 1 && { context: { version: index + 1 } }),
    };
    return [{ kind: 'negotiated', description: describe(step, 'en'), ...step }];
  });
}
