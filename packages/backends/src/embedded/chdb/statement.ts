import { ClickHouseError } from '@clickhouse/client';
import { formatQueryParams } from '@clickhouse/client/dist/common/index.js';
import { sessionDefaults } from './engine-config.ts';

export type Settings = Readonly<Record<string, string | number>>;

/** Settings that mean something to the HTTP server only. */
const httpSettings = new Set([
  'wait_end_of_query',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'http_response_buffer_size',
  'enable_http_compression',
  'http_zlib_compression_level',
  'http_response_compression_method',
]);

/** The settings of one statement that differ from what the session has anyway. */
export function statementSettingsOf(settings: Readonly<Record<string, unknown>> | undefined): Settings {
  const own: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(settings ?? {})) {
    if (value === undefined || httpSettings.has(name)) continue;
    if (!/^\w+$/.test(name)) throw serverError('115', 'UNKNOWN_SETTING', `Invalid setting name: ${name}`);
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw serverError('36', 'BAD_ARGUMENTS', `Setting ${name} must be a text, a number or a boolean. `);
    }
    const plain = typeof value === 'boolean' ? Number(value) : value;
    if (String(sessionDefaults[name]) !== String(plain)) own[name] = plain;
  }
  return own;
}

/** `SET` that gives the session these settings and query parameters, or '' if there are none. */
export function setStatement(settings: Settings, params: Readonly<Record<string, unknown>>): string {
  const assignments = assign(settings);
  for (const [name, value] of Object.entries(params)) {
    if (!/^\w+$/.test(name)) throw serverError('36', 'BAD_ARGUMENTS', `Invalid query parameter name: ${name}`);
    assignments.push(`param_${name} = ${literal(formatQueryParams({ value }))}`);
  }
  return assignments.length === 0 ? '' : `SET ${assignments.join(', ')}; `;
}

/** `SET` that takes these settings back. `DEFAULT` alone would be the engine's own default, not ours. */
export function resetStatement(settings: Settings): string {
  const resets = Object.keys(settings).map((name) => {
    const ours = sessionDefaults[name];
    return `${name} = ${ours === undefined ? 'DEFAULT' : literal(ours)}`;
  });
  return `SET ${resets.join(', ')}`;
}

/** ` SETTINGS a = 1, b = 'x'` for an INSERT, or ''. */
export function settingsClause(settings: Settings): string {
  const assignments = assign(settings);
  return assignments.length === 0 ? '' : ` SETTINGS ${assignments.join(', ')}`;
}

/** Names in `{name:Type}` placeholders of a query. May name too many (inside literals), never too few. */
export function placeholders(query: string): string[] {
  return Array.from(query.matchAll(/\{\s*(\w+)\s*:/g), ([, name]) => name ?? '');
}

export function serverError(code: string, type: string, message: string): ClickHouseError {
  return new ClickHouseError({ code, type, message });
}

export function literal(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function assign(settings: Settings): string[] {
  return Object.entries(settings).map(([name, value]) => `${name} = ${literal(value)}`);
}
