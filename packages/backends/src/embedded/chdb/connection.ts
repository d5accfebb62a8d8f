import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { parseError } from '@clickhouse/client';
import type {
  ConnBaseQueryParams,
  ConnBaseResult,
  Connection,
  WithClickHouseSummary,
} from '@clickhouse/client/dist/common/index.js';
import type { ChdbResult, Session } from 'chdb';
import { throwIfAborted, type PooledSession, type SessionPool } from './session-pool.ts';
import {
  literal,
  placeholders,
  resetStatement,
  serverError,
  setStatement,
  settingsClause,
  statementSettingsOf,
} from './statement.ts';

const killIntervalMs = 20;

/** The only formats whose bytes can be given inline: no other promises that a line of data is not taken for the end of data. */
const inlineFormats = ['JSONEachRow', 'JSONCompactEachRow'] as const;
type InlineFormat = (typeof inlineFormats)[number];

/**
 * What `@clickhouse/client` needs of an engine, over chDB sessions. The adapter that comes with chDB is not used because it lets
 * settings leak into later statements, runs what follows a blank line of inserted data as SQL, takes binary bodies for text and
 * cannot cancel. Here a statement's settings end with it, data is never parsed as SQL and an abort kills the statement.
 *
 * Not offered: engine sessions (`session_id`), roles, streaming of results (a result is in memory before it is read).
 */
export function createChdbConnection(pool: SessionPool, control: Session, spoolFolder: string): Connection<Readable> {
  /** Runs one statement under a name of its own by which it can be killed; engine errors come out as ClickHouseError. */
  async function run<T>(signal: AbortSignal | undefined, work: (session: PooledSession, name: string) => Promise<T>): Promise<T> {
    const name = randomUUID();
    return pool.run(async (session) => {
      // Aborted between getting the session and getting here: no event will tell.
      throwIfAborted(signal);
      let ended = false;
      let killing: Promise<void> | undefined;
      const kill = async () => {
        // The engine may not have registered the statement yet, so one KILL can miss it.
        while (!ended) {
          await control.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = '${name}' ASYNC`);
          await delay(killIntervalMs);
        }
      };
      const onAbort = () => (killing = kill());
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        const result = await work(session, name);
        throwIfAborted(signal);
        return result;
      } catch (error) {
        throwIfAborted(signal, error);
        throw typedError(error);
      } finally {
        ended = true;
        signal?.removeEventListener('abort', onAbort);
        await killing;
      }
    }, signal);
  }

  function execute(params: ConnBaseQueryParams): Promise<ChdbResult> {
    return run(params.abort_signal, async (session, name) => {
      const settings = statementSettingsOf(params.clickhouse_settings);
      const bound = params.query_params ?? {};
      // A parameter left over from an earlier statement must not fill a placeholder this one forgot.
      for (const placeholder of placeholders(params.query)) {
        if (session.boundParams.has(placeholder) && !Object.hasOwn(bound, placeholder)) {
          throw serverError('456', 'UNKNOWN_QUERY_PARAMETER', `Substitution \`${placeholder}\` is not set. `);
        }
      }
      for (const param of Object.keys(bound)) session.boundParams.add(param);
      const set = setStatement({ ...settings, log_comment: name }, bound);
      const result = await session.engine.queryAsync(set + params.query, { format: 'TabSeparated' });
      if (Object.keys(settings).length > 0) await session.engine.queryAsync(resetStatement(settings));
      return result;
    });
  }

  async function insert(params: ConnBaseQueryParams & { values: string | Readable }) {
    const body = await bytesOf(params.values);
    if (body.length === 0) return { ...answerHead(params), summary: summary({}) };
    const statement = /^\s*INSERT\s+INTO\s+([\w.]+)\s*(?:\(([\w\s,]+)\))?\s*FORMAT\s+(\w+)\s*$/i.exec(params.query);
    const inline = inlineFormats.find((format) => format === statement?.[3]);
    const settings = statementSettingsOf(params.clickhouse_settings);
    const written = await run(params.abort_signal, (session, name) => {
      const named = { ...settings, log_comment: name };
      // A blank line would end the data, and the rest of it would run as SQL.
      return statement?.[1] !== undefined && inline !== undefined && !body.includes('\n\n')
        ? insertInline(session.engine, { table: statement[1], columns: statement[2], format: inline }, named, body)
        : insertFromFile(session.engine, params.query, named, body);
    });
    return { ...answerHead(params), summary: summary(written) };
  }

  async function insertFromFile(
    engine: Session,
    query: string,
    settings: Readonly<Record<string, string | number>>,
    body: Buffer,
  ) {
    const statement = /^([\s\S]*?)\s+FORMAT\s+(\w+)\s*$/i.exec(query);
    if (statement === null) throw serverError('62', 'SYNTAX_ERROR', 'An INSERT with data must end in FORMAT <name>. ');
    const file = path.join(spoolFolder, randomUUID());
    try {
      await writeFile(file, body, { mode: 0o600 });
      await engine.queryAsync(
        `${statement[1]} FROM INFILE ${literal(file)} COMPRESSION 'none'${settingsClause(settings)} FORMAT ${statement[2]}`,
      );
    } finally {
      await rm(file, { force: true });
    }
    return {};
  }

  return {
    async query(params) {
      return { ...answerHead(params), stream: streamOf(await execute(params)) };
    },
    async command(params) {
      return { ...answerHead(params), summary: summary(await execute(params)) };
    },
    async exec(params) {
      if (params.values !== undefined)
        return { ...(await insert({ ...params, values: params.values })), stream: Readable.from([]) };
      const result = await execute(params);
      return { ...answerHead(params), stream: streamOf(result), summary: summary(result) };
    },
    insert,
    async ping() {
      try {
        await execute({ query: 'SELECT 1' });
        return { success: true };
      } catch (error) {
        return { success: false, error: error instanceof Error ? error : new Error(String(error)) };
      }
    },
    async close() {
      await pool.close();
      control.close();
    },
  };
}

async function insertInline(
  engine: Session,
  target: { table: string; columns: string | undefined; format: InlineFormat },
  settings: Record<string, string | number>,
  values: Buffer,
): Promise<{ rowsWritten: number; bytesWritten: number; elapsed: number }> {
  const { table, columns, format } = target;
  if (columns === undefined) return engine.insert({ table, format, settings, values });
  return engine.insert({ table, columns: columns.split(',').map((column) => column.trim()), format, settings, values });
}

/** The body as one buffer; a body that came as one buffer stays that buffer. */
async function bytesOf(values: string | Readable): Promise<Buffer> {
  if (typeof values === 'string') return Buffer.from(values);
  const chunks: Buffer[] = [];
  for await (const chunk of values as AsyncIterable<unknown>) {
    if (typeof chunk === 'string') chunks.push(Buffer.from(chunk));
    else if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    else throw new TypeError('an inserted stream must give bytes or text');
  }
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

function streamOf(result: ChdbResult): Readable {
  const bytes = result.bytes();
  return Readable.from(bytes.length === 0 ? [] : [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)], {
    objectMode: false,
  });
}

function answerHead(params: ConnBaseQueryParams): ConnBaseResult {
  return { query_id: params.query_id ?? randomUUID(), response_headers: {}, http_status_code: 200 };
}

function summary(done: { rowsRead?: number; bytesRead?: number; rowsWritten?: number; bytesWritten?: number; elapsed?: number }) {
  const counts: NonNullable<WithClickHouseSummary['summary']> = {
    read_rows: String(done.rowsRead ?? 0),
    read_bytes: String(done.bytesRead ?? 0),
    written_rows: String(done.rowsWritten ?? 0),
    written_bytes: String(done.bytesWritten ?? 0),
    total_rows_to_read: '0',
    result_rows: '0',
    result_bytes: '0',
    elapsed_ns: String(Math.round((done.elapsed ?? 0) * 1e9)),
  };
  return counts;
}

/** The engine's own words carry its code; `ClickHouseError` is what callers of the HTTP client know. */
function typedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const typed = parseError(error);
  if (typed !== error) typed.cause = error;
  return typed;
}
