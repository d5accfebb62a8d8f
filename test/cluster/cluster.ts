import type { Addresses, EngineName } from '../engines/names.ts';
import { startEngines, type ClusterEngines } from './engines.ts';
import { startGateway } from './gateway.ts';
import { createDatabase, identityOf, removeFrom, settingsOf } from './installation.ts';
import { runToEnd } from './service-process.ts';
import { createServices, SERVICES, type ServiceName } from './services.ts';

export interface ClusterOptions {
  /** Processes of each service; default 1. */
  readonly ingests?: number;
  readonly aggregators?: number;
  readonly ratingWorkers?: number;
  readonly apis?: number;
  /** Default 1; three keep every event in at least two places. */
  readonly brokers?: 1 | 3;
  /** Default 12, or what the data folder was begun with. */
  readonly partitions?: number;
  /** Kept, and gone on with when it is given again. Default: everything is temporary. */
  readonly dataFolder?: string;
  /** Engines that run already; they are told to forget the cluster when it stops, unless there is a data folder. */
  readonly engines?: Partial<Addresses>;
  /** Settings of the services, over those of the cluster. */
  readonly env?: Readonly<Record<string, string>>;
  /** Puts a fault proxy between the services and each engine. */
  readonly links?: boolean;
  /** Of the one address for everything; default any free one. */
  readonly port?: number;
  /** Every line that a service writes: `from` is like `aggregator-0`. */
  readonly onLog?: (from: string, line: string) => void;
}

export interface Cluster {
  /** One address for everything, which spreads requests over ingests and APIs. */
  readonly url: string;
  /** Of every process, by service and index; the same over restarts. */
  readonly urls: Readonly<Record<ServiceName, readonly string[]>>;
  readonly adminKey: string;
  /** The settings that every service was given. */
  readonly env: Readonly<Record<string, string>>;
  readonly engines: ClusterEngines;
  /** The process that runs, or ran, there. */
  pid(service: ServiceName, index: number): number | undefined;
  isRunning(service: ServiceName, index: number): boolean;
  /** SIGKILL; resolves when it is gone. */
  kill(service: ServiceName, index: number): Promise<void>;
  /** SIGTERM, as an operator's restart does; resolves with its exit code. */
  end(service: ServiceName, index: number): Promise<number | null>;
  /** SIGSTOP: it keeps its connections and does nothing, until `resume`. */
  pause(service: ServiceName, index: number): void;
  resume(service: ServiceName, index: number): void;
  /** Starts one that was killed or ended; resolves when it is ready. */
  start(service: ServiceName, index: number): Promise<void>;
  /** One process more; resolves with its index when it is ready. */
  add(service: ServiceName): Promise<number>;
  /** Runs the migrator once more. */
  migrate(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The services as local processes on real engines, for development and tests only: engines, migrations, processes, in this order; resolves
 * when all are ready. Everything ends with this process.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { brokers = 1, dataFolder, links = false, onLog = () => undefined } = options;
  const identity = identityOf(dataFolder, options.partitions);
  const engines = await startEngines({ brokers, dataFolder, links, given: options.engines ?? {} });
  const addresses = addressesOf(engines);
  const env: Record<string, string> = {
    UV_THREADPOOL_SIZE: '16',
    ...settingsOf(identity, addresses, engines.kafka.isOwn ? brokers : 1),
    ...options.env,
  };
  const services = createServices({ env, onLog });
  const migrate = (): Promise<void> =>
    runToEnd({ main: 'services/api/src/migrate-main.ts', env, onLine: (line) => onLog('migrate', line) });
  let gateway: Awaited<ReturnType<typeof startGateway>> | undefined;

  async function stop(): Promise<void> {
    await services.killAll();
    await gateway?.close();
    if (dataFolder === undefined) await removeFrom(foreignOf(engines), identity);
    await Promise.all(Object.values(engines).map((engine) => engine.stop()));
  }

  try {
    await createDatabase(addresses.postgres.url, identity);
    await migrate();
    const counts = countsOf(options);
    await Promise.all(SERVICES.flatMap((service) => Array.from({ length: counts[service] }, () => services.add(service))));
    gateway = await startGateway({ ingests: () => services.urls().ingest, apis: () => services.urls().api }, options.port);
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    url: gateway.url,
    get urls() {
      return services.urls();
    },
    adminKey: env['METERLINE_ADMIN_KEY'] ?? identity.adminKey,
    env,
    engines,
    pid: (service, index) => services.process(service, index).pid,
    isRunning: (service, index) => services.process(service, index).isRunning,
    async kill(service, index) {
      await services.process(service, index).end('SIGKILL');
    },
    end: (service, index) => services.process(service, index).end('SIGTERM'),
    pause: (service, index) => services.process(service, index).signal('SIGSTOP'),
    resume: (service, index) => services.process(service, index).signal('SIGCONT'),
    start: services.start,
    add: services.add,
    migrate,
    stop,
  };
}

function countsOf({ ingests = 1, apis = 1, aggregators = 1, ratingWorkers = 1 }: ClusterOptions): Record<ServiceName, number> {
  return { ingest: ingests, api: apis, aggregator: aggregators, 'rating-worker': ratingWorkers };
}

function addressesOf({ kafka, clickhouse, postgres, redis }: ClusterEngines): Addresses {
  return { kafka: kafka.address, clickhouse: clickhouse.address, postgres: postgres.address, redis: redis.address };
}

function foreignOf(engines: ClusterEngines): Partial<Addresses> {
  const addresses = addressesOf(engines);
  const foreign = (Object.keys(addresses) as EngineName[]).filter((name) => !engines[name].isOwn);
  return Object.fromEntries(foreign.map((name) => [name, addresses[name]]));
}
