import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

/** Lines of a file that are sent together. */
export interface Batch {
  readonly lines: readonly string[];
  /** Where each line stands in the file, from 1 on. */
  readonly numbers: readonly number[];
  /** Bytes of the file read so far. */
  readonly bytesRead: number;
}

const BATCH_LINES_MAX = 500;
const BATCH_CHARS_MAX = 1_000_000;

/** Reads the lines of a file (gzip by its name) in batches; blank lines are left out. */
export async function* batchesOf(file: string, fromLine: number): AsyncGenerator<Batch> {
  const bytes = createReadStream(file);
  const content = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  // Errors of the file do not reach a stream it is piped into by themselves.
  if (content !== bytes) bytes.on('error', (error) => content.destroy(error));
  let lines: string[] = [];
  let numbers: number[] = [];
  let chars = 0;
  let number = 0;
  for await (const line of createInterface({ input: content, crlfDelay: Infinity })) {
    number += 1;
    if (number < fromLine || line.trim() === '') continue;
    if (lines.length === BATCH_LINES_MAX || (lines.length > 0 && chars + line.length > BATCH_CHARS_MAX)) {
      yield { lines, numbers, bytesRead: bytes.bytesRead };
      [lines, numbers, chars] = [[], [], 0];
    }
    lines.push(line);
    numbers.push(number);
    chars += line.length;
  }
  if (lines.length > 0) yield { lines, numbers, bytesRead: bytes.bytesRead };
}
