/** `npm run cluster`: see HELP. */
import { createWriteStream, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startCluster, type Cluster } from './cluster.ts';
import { SERVICES } from './services.ts';

const HELP = `Starts the Meterline services as local processes on real engines. FOR DEVELOPMENT AND TESTS ONLY: see docker-compose.yml for the rest.

  npm run cluster -- [options]

  --ingests <n> --aggregators <n> --rating-workers <n> --apis <n>
                      processes of each service (default 1)
  --brokers <1|3>     brokers of Kafka (default 1); three keep every event in two places at least
  --partitions <n>    partitions of the event log (default 12); fixed when a cluster is begun
  --data <folder>     where everything is kept, to go on with it next time (Redis keeps nothing; it need not).
                      Without it everything goes with the cluster
  --port <n>          where the cluster answers (default 8080)
  --help              this text

Engines, for each: what METERLINE_TEST_KAFKA (host:port, by commas), METERLINE_TEST_CLICKHOUSE, METERLINE_TEST_POSTGRES and
METERLINE_TEST_REDIS (URLs) name; else one of its own: Apache Kafka from its published jars (java; mvn once, into node_modules/.cache),
PostgreSQL and Redis from this machine's packages, ClickHouse as chDB behind a small HTTP front; else a container or one that runs here.

Settings of the services come from the environment as usual (METERLINE_LOG_LEVEL, METERLINE_INGEST_...). Ctrl-C stops everything, and
nothing outlives this process, even when it is killed.
`;

const { values } = parseArgs({
  options: {
    ingests: { type: 'string', default: '1' },
    aggregators: { type: 'string', default: '1' },
    'rating-workers': { type: 'string', default: '1' },
    apis: { type: 'string', default: '1' },
    brokers: { type: 'string', default: '1' },
    partitions: { type: 'string' },
    data: { type: 'string' },
    port: { type: 'string', default: '8080' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const logFolder = values.data ?? mkdtempSync(path.join(tmpdir(), 'meterline-cluster-'));
mkdirSync(logFolder, { recursive: true });
const logFile = path.join(logFolder, 'services.log');
const log = createWriteStream(logFile, { flags: 'a' });
let stopping = false;
let cluster: Cluster | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop());

process.stdout.write(
  `Meterline cluster, for development and tests only. Starting (about half a minute); services write to ${logFile}\n`,
);
const beganMs = performance.now();
try {
  cluster = await startCluster({
    ingests: count('ingests'),
    aggregators: count('aggregators'),
    ratingWorkers: count('rating-workers'),
    apis: count('apis'),
    brokers: values.brokers === '3' ? 3 : 1,
    ...(values.partitions !== undefined && { partitions: Number(values.partitions) }),
    ...(values.data !== undefined && { dataFolder: values.data }),
    env: settingsFromEnvironment(),
    port: Number(values.port),
    onLog: (from, line) => log.write(`${from} ${line}\n`),
  });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
process.stdout.write(welcome(cluster));

function count(name: 'ingests' | 'aggregators' | 'rating-workers' | 'apis'): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= 0 && number <= 32) return number;
  process.stderr.write(`--${name} must be a whole number up to 32, but is "${values[name]}"\n`);
  process.exit(1);
}

function settingsFromEnvironment(): Record<string, string> {
  const own = Object.entries(process.env).filter(
    ([name]) => name.startsWith('METERLINE_') && !name.startsWith('METERLINE_TEST_'),
  );
  return Object.fromEntries(own.map(([name, value]) => [name, value ?? '']));
}

async function stop(): Promise<void> {
  if (stopping) process.exit(1);
  stopping = true;
  process.stdout.write('\nstopping\n');
  await cluster?.stop();
  process.exit(0);
}

function welcome({ url, urls, adminKey, engines, pid }: Cluster): string {
  const engineLines = Object.entries(engines).map(([name, { address, used }]) => {
    const where = 'brokers' in address ? address.brokers.join() : address.url;
    return `  ${name.padEnd(14)}${where}\n  ${' '.repeat(14)}${used}\n`;
  });
  const serviceLines = SERVICES.flatMap((service) =>
    urls[service].map((where, index) => `  ${`${service}-${index}`.padEnd(18)}${where}  pid ${pid(service, index) ?? '-'}\n`),
  );
  return `
Ready after ${((performance.now() - beganMs) / 1000).toFixed(1)} s.

Engines
${engineLines.join('')}
Services (/healthz, /readyz, /metrics each)
${serviceLines.join('')}
Everything behind one address: ${url}
Admin key: ${adminKey}

Make a meter, send a first event, and see what it counts:

  export METERLINE_URL=${url} METERLINE_API_KEY=${adminKey}
  curl -H "Authorization: Bearer $METERLINE_API_KEY" -H 'Content-Type: application/json' $METERLINE_URL/v1/meters \\
    -d '{"key":"calls","name":"Calls","eventType":"call","aggregation":"count"}'
  curl -H "Authorization: Bearer $METERLINE_API_KEY" -H 'Content-Type: application/cloudevents+json' $METERLINE_URL/v1/events \\
    -d '{"specversion":"1.0","id":"1","source":"trial","type":"call","subject":"ann"}'
  curl -H "Authorization: Bearer $METERLINE_API_KEY" "$METERLINE_URL/v1/meters/calls/usage?from=2026-01-01T00:00:00Z&to=2040-01-01T00:00:00Z"

Ctrl-C stops everything.
`;
}
