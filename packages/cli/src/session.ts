import type { Command } from 'commander';
import type { Client } from './client.ts';
import type { Terminal } from './terminal.ts';

/** What a command works with once its arguments are known. */
export interface Session {
  readonly client: Client;
  readonly terminal: Terminal;
  /** Shows an answer: as raw JSON if that was asked for, else as `render` has it. */
  show(answer: unknown, render: () => string): void;
}

/** Adds a command to the program. `open` is called by its action. */
export type AddCommand = (program: Command, open: () => Promise<Session>) => void;

/** Text under a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
