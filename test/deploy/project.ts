import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { settingsHelp } from '@meterline/runtime/config';
import { parse, parseAllDocuments } from 'yaml';

export const PROJECT = path.join(import.meta.dirname, '../..');

/** Our processes that stay, each an image of the same name. */
export const SERVICES = ['ingest', 'aggregator', 'rating-worker', 'api'] as const;

/** How long a service drains after SIGTERM, at most (runService). */
export const DRAIN_SECONDS = 25;

export const read = (file: string): string => readFileSync(path.join(PROJECT, file), 'utf8');

/** A YAML document with its anchors and merges resolved; there may be many. */
export const readYaml = (file: string): unknown => parse(read(file), { merge: true, maxAliasCount: -1 });

export const readYamls = (file: string): unknown[] =>
  parseAllDocuments(read(file), { merge: true }).map((document) => document.toJS() as unknown);

export const files = (pattern: string): string[] => globSync(pattern, { cwd: PROJECT }).toSorted();

/** Every name that `readSettings` reads. */
export const SETTING_NAMES: ReadonlySet<string> = new Set(settingsHelp().match(/^METERLINE_\w+/gm));

/** The port a service listens on unless told otherwise, as its main says. */
export function defaultPort(service: string): string {
  const port = /METERLINE_PORT: '(\d+)'/.exec(read(`services/${service}/src/main.ts`))?.[1];
  if (port === undefined) throw new Error(`services/${service}/src/main.ts names no port`);
  return port;
}
