import { ApiError, CliError } from '../errors.ts';
import type { Terminal } from '../terminal.ts';

const FAULTS_SHOWN_MAX = 20;

/** An error in plain words, with its code and every field at fault. */
export function errorText(error: unknown, { paint }: Pick<Terminal, 'paint'>): string {
  if (!(error instanceof CliError)) {
    return `${paint('red', 'error')} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const faults = error instanceof ApiError ? error.errors : [];
  const lines = faults
    .slice(0, FAULTS_SHOWN_MAX)
    .map(({ path, message }) => `  ${path ? `${paint('bold', path)}: ` : ''}${message}`);
  if (faults.length > FAULTS_SHOWN_MAX) lines.push(`  ... and ${faults.length - FAULTS_SHOWN_MAX} more`);
  return [`${paint('red', 'error')} ${error.message} ${paint('dim', `(${error.code})`)}`, ...lines].join('\n');
}
