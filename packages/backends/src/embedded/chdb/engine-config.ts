import { mkdirSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';
import { statementSettings } from '../../clickhouse/settings.ts';

/** What every session starts with, and what a statement's own settings are taken back to. */
export const sessionDefaults: Readonly<Record<string, string | number>> = {
  ...statementSettings,
  // Without it, text that is not SQL (a stray literal) would run as SELECT.
  implicit_select: 0,
  // Blocks of our size are parsed fastest by the thread that has them; splitting costs more CPU than it saves.
  input_format_parallel_parsing: 0,
  // Parameters travel inside the statement, and some are long (the hours that lost an event, the subjects of a large customer).
  max_query_size: 256 * 2 ** 20,
};

const serverMemoryBytesMax = 4 * 2 ** 30;
const markCacheBytes = 256 * 2 ** 20;

/**
 * The rights of the one user. What is not granted here is denied: file(), url(), remote(), s3() and the like, tables of engines
 * that read from outside the folder, and granting more. `INTO OUTFILE` and `FROM INFILE` cannot be denied: never run SQL of a user.
 */
const grants = [
  'GRANT SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP, TRUNCATE, OPTIMIZE, SHOW, KILL QUERY, SYSTEM ON *.*',
  ...['MergeTree', 'ReplacingMergeTree', 'SummingMergeTree', 'AggregatingMergeTree', 'Memory', 'Null'].map(
    (engine) => `GRANT TABLE ENGINE ON ${engine}`,
  ),
];

/** Writes the engine's configuration into `folder` (absolute) and answers the connection arguments that make the engine use it. */
export function writeEngineConfig(folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const usersFile = path.join(folder, 'users.xml');
  const configFile = path.join(folder, 'config.xml');
  const memoryBytes = Math.min(Math.floor(totalmem() / 3), serverMemoryBytesMax);
  writeFileSync(
    configFile,
    element('clickhouse', [
      text('users_config', usersFile),
      text('max_server_memory_usage', memoryBytes),
      text('mark_cache_size', markCacheBytes),
      text('background_pool_size', 2),
      text('background_schedule_pool_size', 2),
      element('access_control_improvements', [text('table_engines_require_grant', true)]),
    ]),
  );
  writeFileSync(
    usersFile,
    element('clickhouse', [
      element('profiles', [
        element(
          'default',
          Object.entries(sessionDefaults).map(([name, value]) => text(name, value)),
        ),
      ]),
      element('quotas', [element('default', [])]),
      element('users', [
        element('default', [
          text('password', ''),
          element('networks', [text('ip', '::/0')]),
          text('profile', 'default'),
          text('quota', 'default'),
          element(
            'grants',
            grants.map((grant) => text('query', grant)),
          ),
        ]),
      ]),
    ]),
  );
  return [`--config-file=${configFile}`];
}

function element(name: string, children: readonly string[]): string {
  return `<${name}>\n${children.join('\n')}\n</${name}>`;
}

function text(name: string, value: string | number | boolean): string {
  return `<${name}>${String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</${name}>`;
}
