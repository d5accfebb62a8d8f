import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from './connection.ts';
import { CliError } from './errors.ts';
import { groupDigits } from './render/digits.ts';
import { type Progress, startProgress } from './render/progress.ts';
import type { Terminal } from './terminal.ts';

type Message<Outcome> =
  | Outcome
  | { readonly type: 'progress'; readonly phase: string; readonly done: number; readonly total: number }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };

export interface EngineTask {
  /** From the root of the project. */
  readonly main: string;
  readonly args: readonly string[];
  /** What each phase it tells of is called, all as long. */
  readonly phases: Readonly<Record<string, string>>;
  /** When it ended without an answer. */
  readonly onStopped: { readonly code: string; readonly message: string };
  readonly terminal: Terminal;
  readonly env: Environment;
}

const ROOT = join(import.meta.dirname, '../../..');

/** Runs a task that has engines open, which this command has not, as a process of its own, and shows how far it is. Answers what it told last. */
export async function runEngineTask<Outcome extends { readonly type: string }>(task: EngineTask): Promise<Outcome> {
  const { main, args, phases, onStopped, terminal, env } = task;
  const path = join(ROOT, main);
  if (!existsSync(path))
    throw new CliError(
      2,
      'cli.no_engines',
      'This installation of the command has no engines. Use the image meterline/operator or a checkout of the project.',
    );
  const child = fork(path, [...args], {
    // The embedded engine holds a thread for each statement. Errors come as messages; logs only to who asks for them.
    env: { UV_THREADPOOL_SIZE: '16', METERLINE_LOG_LEVEL: 'silent', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const output of [child.stdout, child.stderr])
    output?.on('data', (lines: Buffer) => terminal.tell(lines.toString().trimEnd()));
  const shown = showPhases(terminal, phases);
  let outcome: Outcome | undefined;
  let failure: CliError | undefined;
  child.on('message', (message) => {
    const heard = message as Message<Outcome>;
    if (isProgress(heard)) shown.update(heard);
    else if (isFailure(heard)) failure = new CliError(1, heard.code, heard.message);
    else outcome = heard;
  });
  await once(child, 'close');
  shown.stop();
  if (failure !== undefined) throw failure;
  if (outcome !== undefined) return outcome;
  throw new CliError(2, onStopped.code, onStopped.message);
}

type Kind<Type extends string> = Extract<Message<never>, { readonly type: Type }>;

const isProgress = (message: { readonly type: string }): message is Kind<'progress'> => message.type === 'progress';
const isFailure = (message: { readonly type: string }): message is Kind<'failed'> => message.type === 'failed';

function showPhases(terminal: Terminal, phases: EngineTask['phases']) {
  let current: { readonly phase: string; readonly progress: Progress } | undefined;
  return {
    update({ phase, done, total }: Kind<'progress'>): void {
      if (current?.phase !== phase) {
        current?.progress.stop();
        current = { phase, progress: startProgress(terminal, phases[phase] ?? phase, total) };
      }
      current.progress.update(done, total > 1 ? `${groupDigits(String(done))} of ${groupDigits(String(total))}` : '');
    },
    stop: () => current?.progress.stop(),
  };
}
