import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ChildScript {
  readonly pid: number;
  /** The lines of its standard output, also those of a killed child, as far as they were whole. */
  readonly lines: AsyncIterableIterator<string>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Runs a TypeScript file in a process of its own; its standard error comes through. */
export function startScript(file: string, args: readonly string[]): ChildScript {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
