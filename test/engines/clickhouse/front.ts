import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { PassThrough, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { ClickHouseError } from '@clickhouse/client';
import { type Credentials, credentialsOf, readStatement, type StatementRequest } from './request.ts';
import type { StatementRunner } from './statement.ts';

const READS = /^(\s*--[^\n]*\n)*\s*(select|with|show|describe|desc|exists|explain)\b/i;

/** HTTP statuses that a ClickHouse server gives to some of its codes; 500 for the others. */
const STATUS: Readonly<Record<string, number>> = {
  '6': 400,
  '27': 400,
  '36': 400,
  '47': 404,
  '57': 500,
  '60': 404,
  '62': 400,
  '81': 404,
  '115': 404,
  '497': 403,
  '516': 403,
};

/** The part of ClickHouse's HTTP interface that `@clickhouse/client` uses. */
export function createFront(runner: StatementRunner, allowed: Credentials): Server {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://front');
    if (url.pathname === '/ping') return void response.end('Ok.\n');
    const given = credentialsOf(request, url.searchParams);
    if (given.username !== allowed.username || given.password !== allowed.password)
      throw new ClickHouseError({
        code: '516',
        type: 'AUTHENTICATION_FAILED',
        message: `${given.username}: Authentication failed. `,
      });
    const startedMs = performance.now();
    const statement = await readStatement(request, url.searchParams);
    response.setHeader('X-ClickHouse-Query-Id', statement.queryId ?? randomUUID());
    const { output, summary } = await runner.run(statement, cancelSignal(response, statement));
    const elapsedNs = String(Math.round((performance.now() - startedMs) * 1e6));
    response.setHeader('X-ClickHouse-Summary', JSON.stringify({ ...(summary as object), elapsed_ns: elapsedNs }));
    const format = /\bformat\s+(\w+)\s*$/i.exec(statement.query)?.[1];
    if (format !== undefined) response.setHeader('X-ClickHouse-Format', format);
    await pipeline(output, packer(request, response, statement), response);
  }

  const server = createServer((request, response) => {
    response.setHeader('X-ClickHouse-Server-Display-Name', 'meterline development front');
    answer(request, response).catch((error: unknown) => fail(response, error));
  });
  // as a ClickHouse server
  server.keepAliveTimeout = 10_000;
  server.requestTimeout = 0;
  return server;
}

/** As on a server, a query ends with its client only where the setting says so, and whatever writes goes on. */
function cancelSignal(response: ServerResponse, { query, settings }: StatementRequest): AbortSignal {
  const cancel = new AbortController();
  const isCancelled = settings['cancel_http_readonly_queries_on_client_close'] === '1' && READS.test(query);
  if (isCancelled)
    response.once('close', () => {
      if (!response.writableFinished) cancel.abort();
    });
  return cancel.signal;
}

function packer(request: IncomingMessage, response: ServerResponse, { settings }: StatementRequest): Transform {
  const accepted = request.headers['accept-encoding']?.toString() ?? '';
  const codec = settings['enable_http_compression'] === '1' ? /\b(zstd|gzip)\b/.exec(accepted)?.[1] : undefined;
  if (codec === undefined) return new PassThrough();
  response.setHeader('Content-Encoding', codec);
  return codec === 'zstd' ? createZstdCompress() : createGzip({ level: 1 });
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const { code, type, message } =
    error instanceof ClickHouseError ? error : { code: '1002', type: 'UNKNOWN_EXCEPTION', message: `${String(error)}. ` };
  response.removeHeader('Content-Encoding');
  response.setHeader('X-ClickHouse-Exception-Code', code);
  response.writeHead(STATUS[code] ?? 500, { 'Content-Type': 'text/plain; charset=UTF-8' });
  response.end(`Code: ${code}. DB::Exception: ${message}(${type ?? 'UNKNOWN_EXCEPTION'}) (version 26.7.2.1)\n`);
}
