import { english } from './en.ts';
import type { Told } from './told.ts';
import { chinese } from './zh.ts';

export const FIT_LANGUAGES = ['en', 'zh'] as const;
export type FitLanguage = (typeof FIT_LANGUAGES)[number];

/** Which plan fits, and why, in one sentence with its numbers. */
export function fitSentence(told: Told, language: FitLanguage): string {
  switch (language) {
    case 'en':
      return english(told);
    case 'zh':
      return chinese(told);
  }
}
