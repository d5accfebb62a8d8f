import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import prettier from 'prettier';

/** Replaces what stands between `<!-- marker:begin -->` and `<!-- marker:end -->` of a document, named from the root of the repository, in its format. */
export async function putIntoDocument(document: string, marker: string, text: string): Promise<void> {
  const file = path.join(import.meta.dirname, '../..', document);
  const [begin, end] = [`<!-- ${marker}:begin -->`, `<!-- ${marker}:end -->`];
  const whole = readFileSync(file, 'utf8');
  const [from, to] = [whole.indexOf(begin), whole.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${document} has no ${begin} ... ${end}`);
  const changed = `${whole.slice(0, from + begin.length)}\n\n${text}\n${whole.slice(to)}`;
  writeFileSync(file, await prettier.format(changed, { ...(await prettier.resolveConfig(file)), filepath: file }));
}
