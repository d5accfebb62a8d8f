import { stat } from 'node:fs/promises';
import type { Client } from '../client.ts';
import { CliError } from '../errors.ts';
import { batchesOf } from '../event-lines.ts';
import { groupDigits } from '../render/digits.ts';
import { startProgress } from '../render/progress.ts';
import { sendEvents } from '../send-events.ts';
import { type AddCommand, examples } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface RejectedLine {
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

interface Imported {
  readonly accepted: number;
  readonly rejected: number;
  /** The first of them. */
  readonly faults: readonly RejectedLine[];
}

const FAULTS_KEPT_MAX = 20;

export const importCommand: AddCommand = (program, open) => {
  program
    .command('import')
    .argument('<file>', 'one CloudEvents JSON object a line (NDJSON), plain or .gz')
    .option('--from-line <number>', 'begin at this line', lineNumber, 1)
    .description('send the events of a file; can be repeated, as an id counts once')
    .addHelpText('after', examples('meterline import events.ndjson', 'meterline import 2023-11.ndjson.gz --from-line 120001'))
    .addHelpText(
      'after',
      '\nA line: {"id":"call-1","source":"gateway","type":"llm.call","subject":"acme","time":"2023-11-16T18:15:46Z","data":{"tokens":"374"}}' +
        '\nBad lines are listed and the others stored; the exit code is then 1.',
    )
    .action(async (file: string, { fromLine }: { fromLine: number }) => {
      const { client, terminal, show } = await open();
      const imported = await importFile(client, terminal, file, fromLine);
      show(imported, () => importText(imported));
      if (imported.rejected > 0)
        throw new CliError(1, 'import.events_rejected', `${groupDigits(String(imported.rejected))} lines were refused.`);
    });
};

async function importFile(client: Client, terminal: Terminal, file: string, fromLine: number): Promise<Imported> {
  const { size } = await stat(file).catch((cause: unknown) => {
    throw new CliError(2, 'file.unreadable', `Cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  });
  const progress = startProgress(terminal, 'import', size);
  let nextLine = fromLine;
  let accepted = 0;
  let rejected = 0;
  const faults: RejectedLine[] = [];
  try {
    for await (const { lines, numbers, bytesRead } of batchesOf(file, fromLine)) {
      nextLine = numbers[0] ?? nextLine;
      const result = await sendEvents(client, lines);
      accepted += result.accepted;
      rejected += result.rejected.length;
      for (const { index, code, message } of result.rejected.slice(0, FAULTS_KEPT_MAX - faults.length)) {
        faults.push({ line: numbers[index] ?? 0, code, message });
      }
      progress.update(bytesRead, `${groupDigits(String(accepted))} stored`);
    }
  } catch (cause) {
    terminal.tell(
      `Stopped: every line before ${nextLine} is stored or refused. Go on with --from-line ${nextLine}, or repeat it all.`,
    );
    throw cause;
  } finally {
    progress.stop();
  }
  return { accepted, rejected, faults };
}

function importText({ accepted, rejected, faults }: Imported): string {
  const lines = faults.map(({ line, code, message }) => `  line ${line}: ${message} (${code})`);
  if (rejected > faults.length) lines.push(`  ... and ${rejected - faults.length} more`);
  return [`${groupDigits(String(accepted))} events stored, ${groupDigits(String(rejected))} refused.`, ...lines].join('\n');
}

function lineNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new CliError(2, 'option.malformed', `--from-line must be a whole number from 1 on, not "${text}".`);
}
