import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientOptions } from './client.ts';
import { CliError } from './errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Which server, and with which key: as given, else METERLINE_URL and METERLINE_API_KEY, else a server on this machine with the admin key
 * in its data folder. Fails with `key.missing`, `url.invalid`.
 */
export async function connectionOf(
  given: { readonly url?: string | undefined; readonly key?: string | undefined },
  env: Environment,
): Promise<ClientOptions> {
  const url = given.url ?? env['METERLINE_URL'] ?? `http://127.0.0.1:${env['METERLINE_PORT'] ?? '8080'}`;
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new CliError(2, 'url.invalid', `"${url}" is not the address of a server, such as http://127.0.0.1:8080.`);
  }
  const key = given.key ?? env['METERLINE_API_KEY'] ?? (await storedKey(env['METERLINE_DATA'] ?? 'data'));
  return { url, key };
}

async function storedKey(dataFolder: string): Promise<string> {
  const file = join(dataFolder, 'admin-key');
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new CliError(
      2,
      'key.missing',
      `No API key: give --key or METERLINE_API_KEY, or METERLINE_DATA, the server's data folder (${file} cannot be read).`,
      { cause },
    );
  }
}
