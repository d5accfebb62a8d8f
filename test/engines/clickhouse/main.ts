/** The front as a process of its own: see HELP. */
import { parseArgs } from 'node:util';
import { openChdb } from '@meterline/backends/embedded';
import { createFront } from './front.ts';
import { createStatementRunner } from './statement.ts';

const BANNER = 'ClickHouse front over the embedded engine: for development and tests only';
const HELP = `${BANNER}.

Speaks as much of ClickHouse's HTTP interface as @clickhouse/client needs. One process, one user, no replication, no TLS, answers held
in memory: where it matters, run a ClickHouse server.

  --data <folder>     where the engine keeps its files; one front a folder
  --port <number>     0 takes any free port (default 8123)
  --host <address>    default 127.0.0.1
  --user <name>       default "default"; its password is read from METERLINE_FRONT_PASSWORD
  --sessions <count>  statements at a time (default 8); start it with UV_THREADPOOL_SIZE at twice that
  --help              this text

It ends on SIGTERM, and, if another process started it with an IPC channel, as soon as that one is gone.`;

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    port: { type: 'string', default: '8123' },
    host: { type: 'string', default: '127.0.0.1' },
    user: { type: 'string', default: 'default' },
    sessions: { type: 'string', default: '8' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || values.data === undefined) {
  process.stdout.write(`${HELP}\n`);
  process.exit(values.help ? 0 : 2);
}

const chdb = await openChdb({ folder: values.data, poolSize: Number(values.sessions) });
const password = process.env['METERLINE_FRONT_PASSWORD'] ?? '';
const server = createFront(createStatementRunner(chdb.client, 'default'), { username: values.user, password });
server.listen(Number(values.port), values.host, () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : values.port;
  process.stdout.write(`${BANNER}\nlistening on http://${values.host}:${port}\n`);
});

// Whoever started it is gone: nobody will stop it any more. The engine recovers from this as from any kill.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close(() => void chdb.close().then(() => process.exit(0)));
    server.closeAllConnections();
  });
}
