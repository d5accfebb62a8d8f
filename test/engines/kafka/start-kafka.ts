import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type BrokerProcess, startBroker } from './broker-process.ts';
import { kafkaJars } from './kafka-jars.ts';

const run = promisify(execFile);

export interface LocalKafka {
  /** host:port of every broker, in the order of their indexes. */
  readonly bootstrap: readonly string[];
  /** SIGKILL; resolves when the broker is gone. */
  kill(brokerIndex: number): Promise<void>;
  /** Starts a killed broker again on its data; resolves when it serves. */
  start(brokerIndex: number): Promise<void>;
  /** SIGSTOP: the broker keeps its connections and answers nothing, until `resume`. */
  pause(brokerIndex: number): void;
  resume(brokerIndex: number): void;
  stop(): Promise<void>;
}

interface Node {
  readonly id: number;
  readonly clientPort: number;
  readonly advertisedPort: number;
  readonly controllerPort: number;
  readonly folder: string;
}

export interface LocalKafkaOptions {
  readonly brokers: 1 | 3;
  /** Default: a temporary one that `stop` removes. */
  readonly dataFolder?: string;
  /** Puts something in front of a broker's port and answers the port under which clients, and the other brokers, are to know it. */
  readonly advertise?: (clientPort: number) => Promise<number>;
}

/**
 * Apache Kafka on loopback ports, for development and tests: one or three brokers, each also a KRaft controller, tied to this process. A
 * folder is started again on the ports it was begun with, by which its brokers know each other.
 */
export async function startKafka(options: LocalKafkaOptions): Promise<LocalKafka> {
  const jars = await kafkaJars();
  const folder = options.dataFolder ?? mkdtempSync(path.join(tmpdir(), 'meterline-kafka-'));
  const ports = await portsOf(folder, 2 * options.brokers);
  const nodes: Node[] = [];
  for (let index = 0; index < options.brokers; index += 1) {
    const clientPort = ports[2 * index] ?? 0;
    nodes.push({
      id: index + 1,
      clientPort,
      advertisedPort: (await options.advertise?.(clientPort)) ?? clientPort,
      controllerPort: ports[2 * index + 1] ?? 0,
      folder: path.join(folder, `broker-${index + 1}`),
    });
  }
  for (const node of nodes) writeConfig(node, nodes);
  await format(jars, nodes);
  const processes = nodes.map((node) => launch(jars, node));

  const processOf = (index: number): BrokerProcess => {
    const one = processes[index];
    if (one === undefined) throw new RangeError(`no broker ${index}`);
    return one;
  };
  const kill = async (index: number): Promise<void> => {
    processOf(index).signal('SIGKILL');
    await processOf(index).exited;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((_, index) => kill(index).catch(() => undefined)));
    if (options.dataFolder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(processes.map(({ started }) => started));
  } catch (error) {
    await Promise.all(processes.map((_, index) => kill(index).catch(() => undefined)));
    throw error;
  }
  return {
    bootstrap: nodes.map(({ advertisedPort }) => `127.0.0.1:${advertisedPort}`),
    kill,
    async start(index) {
      const node = nodes[index];
      if (node === undefined) throw new RangeError(`no broker ${index}`);
      const started = launch(jars, node);
      processes[index] = started;
      await started.started;
    },
    pause: (index) => processOf(index).signal('SIGSTOP'),
    resume: (index) => processOf(index).signal('SIGCONT'),
    stop,
  };
}

function launch(jars: string, node: Node): BrokerProcess {
  return startBroker(jars, 'kafka.Kafka', [configOf(node)], path.join(node.folder, 'broker.log'));
}

const configOf = (node: Node): string => path.join(node.folder, 'server.properties');
const dataOf = (node: Node): string => path.join(node.folder, 'data');

function writeConfig(node: Node, nodes: readonly Node[]): void {
  const replicas = Math.min(3, nodes.length);
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${node.clientPort},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.advertisedPort}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': dataOf(node),
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': Math.min(2, replicas),
    'transaction.state.log.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    // A dead broker is noticed in seconds, so that tests need not wait for defaults meant for data centres.
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 3000,
    'replica.lag.time.max.ms': 5000,
    'controller.quorum.election.timeout.ms': 1000,
    'controller.quorum.fetch.timeout.ms': 2000,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 8_388_608,
  };
  mkdirSync(node.folder, { recursive: true });
  const text = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(configOf(node), text.join(''));
}

/** Formats the first folder with Kafka's own tool and gives the others copies with their own ids: starting Java for each takes seconds. */
async function format(jars: string, nodes: readonly Node[]): Promise<void> {
  const [first, ...others] = nodes;
  if (first === undefined || existsSync(path.join(dataOf(first), 'meta.properties'))) return;
  const clusterId = randomUuid();
  const args = ['format', '--cluster-id', clusterId, '--config', configOf(first)];
  await run('java', ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', `${jars}/*`, 'kafka.tools.StorageTool', ...args]);
  for (const node of others) {
    mkdirSync(dataOf(node), { recursive: true });
    copyFileSync(path.join(dataOf(first), 'bootstrap.checkpoint'), path.join(dataOf(node), 'bootstrap.checkpoint'));
    const identity = [`cluster.id=${clusterId}`, 'version=1', `node.id=${node.id}`];
    writeFileSync(path.join(dataOf(node), 'meta.properties'), `${[...identity, `directory.id=${randomUuid()}`].join('\n')}\n`);
  }
}

/** As Kafka writes its ids. None begins with `-`, which its tools would take for the name of an option: neither do those that Kafka makes. */
function randomUuid(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

/** Those of the folder, or free ones, which it keeps. */
async function portsOf(folder: string, count: number): Promise<number[]> {
  const file = path.join(folder, 'ports.json');
  if (existsSync(file)) {
    const ports = JSON.parse(readFileSync(file, 'utf8')) as number[];
    if (ports.length !== count) throw new Error(`${folder} holds ${ports.length / 2} brokers, not ${count / 2}`);
    return ports;
  }
  const ports = await freePorts(count);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
