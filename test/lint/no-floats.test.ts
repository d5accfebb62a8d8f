import { ESLint, Linter } from 'eslint';
import { parser } from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

/** What the project's own configuration says about a file of this folder, without the rules that need types. */
async function floatsIn(folder: string, code: string): Promise<string[]> {
  const config = (await new ESLint().calculateConfigForFile(`packages/domain/src/${folder}/planted.ts`)) as Linter.Config;
  const rule = config.rules?.['no-restricted-syntax'];
  if (rule === undefined) return [];
  const rules = { 'no-restricted-syntax': rule };
  const messages = new Linter().verify(code, [{ files: ['**/*.ts'], languageOptions: { parser }, rules }], 'planted.ts');
  return messages.map(({ message }) => message);
}

const FLOATS = [
  'const tax = 0.19;',
  'const tiny = 5e-3;',
  'const price = Number(text);',
  'const prices = texts.map(Number);',
  'const price = parseFloat(text);',
  'const prices = texts.map(parseFloat);',
  'const price = Number.parseFloat(text);',
  'const price = +text;',
  'const shown = price.toFixed(2);',
  'const cents = Math.round(price);',
];

describe.each(['money', 'prices', 'rating', 'rating/models'])('lint in packages/domain/src/%s', (folder) => {
  it.each(FLOATS)('refuses %s', async (code) => {
    expect(await floatsIn(folder, code)).toEqual([expect.stringContaining('Money and quantities are exact decimals')]);
  });

  it('leaves integers alone: indexes, digits, bigints', async () => {
    const code =
      'const scale = Math.max(a.scale, 12); const next = index + 1; const units = 10n ** 2n; const cut = parseInt(text, 10);';
    expect(await floatsIn(folder, code)).toEqual([]);
  });
});
