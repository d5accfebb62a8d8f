import type { RatedLine } from '../evaluation.ts';
import { english } from './en.ts';
import type { ToldLine } from './told-line.ts';
import { chinese } from './zh.ts';

export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

/** One step of a charge as a sentence, from its data alone: a line that was kept can be told in any language later. */
export function describe(line: ToldLine, language: Language): string {
  switch (language) {
    case 'en':
      return english(line);
    case 'zh':
      return chinese(line);
  }
}

/** The same lines, told in this language. Lines kept without data, as before invoice policy 2, stay as they are. */
export function toldIn<Line extends RatedLine>(lines: readonly Line[], language: Language): Line[] {
  return lines.map((line) => ('facts' in line ? { ...line, description: describe(line, language) } : line));
}
