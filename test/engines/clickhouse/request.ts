import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { createBrotliDecompress, createGunzip, createZstdDecompress } from 'node:zlib';

/** What one HTTP request asks of the engine. */
export interface StatementRequest {
  readonly query: string;
  /** Rows of an INSERT, apart from its text. */
  readonly data: Buffer | undefined;
  /** Query parameters as they came: in ClickHouse's escaped text form. */
  readonly params: ReadonlyMap<string, string>;
  readonly settings: Readonly<Record<string, string>>;
  readonly database: string | undefined;
  readonly queryId: string | undefined;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

const NOT_SETTINGS = new Set(
  'query database query_id user password role session_id session_timeout session_check default_format compress'.split(' '),
);
const INSERT = /^\s*insert\s/i;
const INSERT_WITH_DATA = /^\s*insert\s[^]*?\sformat\s+\w+[ \t]*\r?\n/i;

export function credentialsOf({ headers }: IncomingMessage, search: URLSearchParams): Credentials {
  const encoded = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
  const [, basicUser, basicPassword] = /^([^:]*):([^]*)$/.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  const header = (name: string) => headers[name]?.toString();
  return {
    username: header('x-clickhouse-user') ?? search.get('user') ?? basicUser ?? 'default',
    password: header('x-clickhouse-key') ?? search.get('password') ?? basicPassword ?? '',
  };
}

/** Reads the whole request. Rejects if it breaks off: nothing of it is run then. */
export async function readStatement(request: IncomingMessage, search: URLSearchParams): Promise<StatementRequest> {
  const params = new Map<string, string>();
  const settings: Record<string, string> = {};
  for (const [name, value] of search) {
    if (name.startsWith('param_')) params.set(name.slice('param_'.length), value);
    else if (!NOT_SETTINGS.has(name)) settings[name] = value;
  }
  const body = await buffer(unpacked(request));
  const asked = {
    params,
    settings,
    database: search.get('database') ?? undefined,
    queryId: search.get('query_id') ?? undefined,
  };
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) return { ...asked, ...queryAndData(search.get('query'), body) };
  const fields = formFields(body.toString(), boundary);
  for (const [name, value] of fields) if (name.startsWith('param_')) params.set(name.slice('param_'.length), value);
  return { ...asked, query: fields.get('query') ?? search.get('query') ?? '', data: undefined };
}

function unpacked(request: IncomingMessage): NodeJS.ReadableStream {
  const codec = request.headers['content-encoding'];
  if (codec === 'gzip') return request.compose(createGunzip());
  if (codec === 'zstd') return request.compose(createZstdDecompress());
  if (codec === 'br') return request.compose(createBrotliDecompress());
  return request;
}

/** The text may stand in the URL, in the body, or begin in one and go on in the other; rows of an INSERT follow its FORMAT. */
function queryAndData(inUrl: string | null, body: Buffer): { query: string; data: Buffer | undefined } {
  if (inUrl !== null && INSERT.test(inUrl) && body.length > 0) return { query: inUrl, data: body };
  if (inUrl !== null) return { query: body.length === 0 ? inUrl : `${inUrl}\n${body.toString()}`, data: undefined };
  const head = INSERT_WITH_DATA.exec(body.subarray(0, 65_536).toString('latin1'))?.[0];
  if (head === undefined) return { query: body.toString(), data: undefined };
  return { query: body.subarray(0, head.length).toString(), data: body.subarray(head.length) };
}

function formFields(body: string, boundary: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const part of body.split(`--${boundary}`).slice(1, -1)) {
    const [, name, value] = /name="([^"]+)"[^]*?\r\n\r\n([^]*)\r\n$/.exec(part) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, value);
  }
  return fields;
}
