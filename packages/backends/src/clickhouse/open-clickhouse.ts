import { type ClickHouseClient, ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { Fault } from '@meterline/domain/faults';
import { createFailoverAgent } from './failover-agent.ts';
import { type ClickhouseLayout, layoutSettings, SINGLE } from './layout.ts';
import { queryRows } from './rows.ts';
import { statementSettings } from './settings.ts';

export interface ClickhouseServer {
  /** `http(s)://host:port` of one server, or of several that know the same data: connections go to the first that accepts. */
  readonly urls: readonly string[];
  /** Default `metering`. */
  readonly database?: string;
  readonly username?: string;
  readonly password?: string;
  readonly layout?: ClickhouseLayout;
  /** How long a statement may stay without an answer; default 60 s. The outcome of an insert is unknown then. */
  readonly requestTimeoutMs?: number;
  /** Per server; default 3 s. */
  readonly connectTimeoutMs?: number;
  /** Statements at a time, later ones wait; default 16. */
  readonly connectionsMax?: number;
  /** Of inserted rows and of answers; default zstd. */
  readonly compression?: 'none' | 'gzip' | 'zstd';
}

export interface Clickhouse {
  readonly client: ClickHouseClient;
  /** Why statements cannot run now, or undefined. Answers within two seconds. */
  trouble(): Promise<string | undefined>;
  close(): Promise<void>;
}

export const DEFAULT_DATABASE = 'metering';

const probeTimeoutMs = 1_500;
/** Less than a server's keep-alive (10 s, 3 s before version 23.11): a connection is not used while the server closes it. */
const idleTimeoutMs = 2_500;
/** As long as a lookup of many ids, and longer than servers accept unless told to. */
const probeCharacters = 300_000;

/**
 * Connects to ClickHouse servers over HTTP, and proves that statements of ours can run. Fails with the Faults `clickhouse.unreachable`,
 * `clickhouse.access_denied`, `clickhouse.database_missing` (migrate first) or `clickhouse.parameters_limited` (see infra/clickhouse).
 */
export async function openClickhouse(server: ClickhouseServer): Promise<Clickhouse> {
  const client = connect(server);
  try {
    await prove(client, server);
  } catch (error) {
    await client.close();
    throw error;
  }
  return {
    client,
    async trouble() {
      const result = await client.ping({ select: true, abort_signal: AbortSignal.timeout(probeTimeoutMs) });
      return result.success ? undefined : result.error.message;
    },
    close: () => client.close(),
  };
}

function connect(server: ClickhouseServer): ClickHouseClient {
  const { database = DEFAULT_DATABASE, username = 'default', password = '', layout = SINGLE, compression = 'zstd' } = server;
  const urls = server.urls.map((url) => new URL(url));
  const [first] = urls;
  if (first === undefined || urls.some(({ protocol }) => protocol !== first.protocol || !/^https?:$/.test(protocol)))
    throw new Fault('invalid', 'clickhouse.invalid_urls', 'give the URLs of the ClickHouse servers, all http or all https');
  return createClient({
    url: first.origin,
    database,
    username,
    password,
    application: 'meterline',
    request_timeout: server.requestTimeoutMs ?? 60_000,
    http_agent: createFailoverAgent({
      urls,
      connectTimeoutMs: server.connectTimeoutMs ?? 3_000,
      idleTimeoutMs,
      connectionsMax: server.connectionsMax ?? 16,
    }),
    // The agent watches idle sockets. The client's own watch (1.23.1) may forget a timer when a statement is aborted while it waits for a
    // socket, and then closes that socket under a later statement.
    keep_alive: { enabled: true, idle_socket_ttl: 0 },
    compression: compressionOf(compression),
    use_multipart_params_auto: true,
    clickhouse_settings: {
      ...statementSettings,
      ...layoutSettings(layout),
      // The status of an answer is then the outcome of the whole statement, and not of its beginning.
      wait_end_of_query: 1,
      cancel_http_readonly_queries_on_client_close: 1,
    },
    // Every failure reaches the caller; the client's own log would repeat it, with the parameters.
    log: { level: ClickHouseLogLevel.OFF },
  });
}

function compressionOf(codec: 'none' | 'gzip' | 'zstd') {
  if (codec === 'none') return { request: false, response: false };
  return { request: { codec, level: 1 }, response: { codec } } as const;
}

async function prove(
  client: ClickHouseClient,
  { database = DEFAULT_DATABASE, username = 'default' }: ClickhouseServer,
): Promise<void> {
  try {
    await queryRows(client, 'select length({probe:String})', { probe: 'x'.repeat(probeCharacters) });
  } catch (cause) {
    const fault = (kind: 'invalid' | 'forbidden', code: string, message: string) =>
      new Fault(kind, `clickhouse.${code}`, message, { cause });
    const message = cause instanceof Error ? cause.message : '';
    const code = cause instanceof ClickHouseError ? cause.code : '';
    if (code === '516')
      throw fault('forbidden', 'access_denied', `ClickHouse does not accept the user "${username}" with this password`);
    if (code === '81')
      throw fault('invalid', 'database_missing', `ClickHouse has no database "${database}": run the migrations first`);
    if (/too long|http_max_/i.test(message))
      throw fault(
        'invalid',
        'parameters_limited',
        'raise http_max_field_value_size in the default profile of the ClickHouse server',
      );
    throw cause;
  }
}
