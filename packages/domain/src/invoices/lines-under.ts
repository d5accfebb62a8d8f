import type { LineKind, RatedLine } from '../rating/index.ts';
import type { InvoiceLine } from './document.ts';
import type { InvoicePolicy } from './policy.ts';

const STEPS_SINCE_2: ReadonlySet<LineKind> = new Set<LineKind>(['conversion', 'rounding']);

/** The lines as an invoice issued under `policy` holds them: to compare with it, byte by byte, when it is rated again. */
export function linesUnder({ version }: Pick<InvoicePolicy, 'version'>, lines: readonly InvoiceLine[]): readonly InvoiceLine[] {
  if (version >= 2) return lines;
  return lines.map((line) => ({
    ...line,
    explanation: line.explanation.filter(({ kind }) => !STEPS_SINCE_2.has(kind)).map(asUnder1),
  }));
}

function asUnder1({ facts: _facts, context: _context, ...line }: RatedLine): RatedLine {
  return line as RatedLine;
}
