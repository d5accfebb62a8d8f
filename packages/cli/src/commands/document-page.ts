import { writeFile } from 'node:fs/promises';
import type { Session } from '../session.ts';

/** Writes the printable page of a document to a file, and says so; nothing without a file. */
export async function writePage({ client, terminal }: Session, path: string, file: string | undefined): Promise<void> {
  if (file === undefined) return;
  await writeFile(file, await client.getText(path, 'text/html'));
  terminal.tell(`Page: ${file}`);
}
