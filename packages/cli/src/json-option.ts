import { CliError } from './errors.ts';

/** The value of an option that is JSON. Fails with `option.malformed`. */
export function jsonOption(option: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CliError(2, 'option.malformed', `${option} must be JSON, not ${text}`);
  }
}
