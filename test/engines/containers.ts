import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { freePort } from './child.ts';
import type { Addresses, EngineName, Started } from './names.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const PASSWORD = 'meterline';

/** What METERLINE_TEST_<ENGINE>_IMAGE says, else the version that docker-compose.yml runs. */
function imageOf(name: EngineName): string {
  const named = process.env[`METERLINE_TEST_${name.toUpperCase()}_IMAGE`];
  if (named !== undefined && named !== '') return named;
  return parseDocument(readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8')).getIn(['services', name, 'image']) as string;
}

type ContainerStart = { [N in EngineName]: () => Promise<Started<Addresses[N]>> };

async function container(name: EngineName) {
  // Only here: loading it takes half a second.
  const { GenericContainer, Wait } = await import('testcontainers');
  return { container: new GenericContainer(imageOf(name)), Wait };
}

/** Each engine as a container, pulled where the image is not there. */
export const startContainer: ContainerStart = {
  async postgres() {
    const { container: image, Wait } = await container('postgres');
    const running = await image
      .withEnvironment({ POSTGRES_PASSWORD: PASSWORD })
      .withExposedPorts(5432)
      // once while it initialises itself, once for good
      .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
      .start();
    const url = `postgres://postgres:${PASSWORD}@${running.getHost()}:${running.getMappedPort(5432)}/postgres`;
    return started('postgres', { url }, running);
  },
  async redis() {
    const { container: image, Wait } = await container('redis');
    const running = await image
      .withCommand(['redis-server', '--protected-mode', 'no', '--save', ''])
      .withExposedPorts(6379)
      .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
      .start();
    return started('redis', { url: `redis://${running.getHost()}:${running.getMappedPort(6379)}` }, running);
  },
  async kafka() {
    const { container: image, Wait } = await container('kafka');
    // A broker names its own address to clients, so the port outside must be known before it starts.
    const port = await freePort();
    const running = await image
      .withExposedPorts({ container: 9094, host: port })
      .withEnvironment({
        KAFKA_NODE_ID: '1',
        KAFKA_PROCESS_ROLES: 'broker,controller',
        KAFKA_LISTENERS: 'OUTSIDE://:9094,INSIDE://:9092,CONTROLLER://:9093',
        KAFKA_ADVERTISED_LISTENERS: `OUTSIDE://127.0.0.1:${port},INSIDE://localhost:9092`,
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'OUTSIDE:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
        KAFKA_INTER_BROKER_LISTENER_NAME: 'INSIDE',
        KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
        KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      })
      .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
      .start();
    return started('kafka', { brokers: [`127.0.0.1:${port}`] }, running);
  },
  async clickhouse() {
    const { container: image, Wait } = await container('clickhouse');
    // The file of a deployment: our client asks for what it sets in the server's default profile.
    const users = path.join(ROOT, 'infra/clickhouse/users.d/meterline.xml');
    const hash = createHash('sha256').update(PASSWORD).digest('hex');
    const running = await image
      .withCopyFilesToContainer([{ source: users, target: '/etc/clickhouse-server/users.d/meterline.xml', mode: 0o644 }])
      .withEnvironment({
        CLICKHOUSE_PASSWORD: PASSWORD,
        CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT: '1',
        METERLINE_CLICKHOUSE_MIGRATOR_SHA256: hash,
        METERLINE_CLICKHOUSE_WRITER_SHA256: hash,
        METERLINE_CLICKHOUSE_READER_SHA256: hash,
      })
      .withExposedPorts(8123)
      .withWaitStrategy(Wait.forHttp('/ping', 8123).forStatusCode(200))
      .start();
    const url = `http://default:${PASSWORD}@${running.getHost()}:${running.getMappedPort(8123)}`;
    return started('clickhouse', { url }, running);
  },
};

function started<A>(name: EngineName, address: A, running: { stop(): Promise<unknown> }): Started<A> {
  return {
    address,
    used: `container ${imageOf(name)}`,
    async stop() {
      await running.stop();
    },
  };
}
