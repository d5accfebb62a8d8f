import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_FOLDER } from './server.ts';

/** One call to a language model. Tokens are whole numbers, as text. */
export interface Call {
  readonly id: string;
  /** RFC 3339 with the seven digits of the trace. */
  readonly time: string;
  readonly timeMs: number;
  readonly inputTokens: string;
  readonly outputTokens: string;
}

const FILE = join(PROJECT_FOLDER, 'test/data/azure-llm-inference-2023-conv.csv');

/** The calls of the Azure LLM inference trace of 2023, in order (test/data/README.md says whose it is). */
export async function readTrace(): Promise<Call[]> {
  const [, ...rows] = (await readFile(FILE, 'utf8')).trim().split(/\r?\n/);
  return rows.map((row, index) => {
    const [timestamp = '', inputTokens = '', outputTokens = ''] = row.split(',');
    const time = `${timestamp.replace(' ', 'T')}Z`;
    // The row number is what the trace knows a call by: playing it twice would count once.
    return { id: `azure-conv-${index + 1}`, time, timeMs: Date.parse(time), inputTokens, outputTokens };
  });
}
