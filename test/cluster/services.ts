import { freePort } from '../engines/child.ts';
import { startService, type ServiceProcess } from './service-process.ts';

export const SERVICES = ['ingest', 'api', 'aggregator', 'rating-worker'] as const;
export type ServiceName = (typeof SERVICES)[number];

interface Place {
  readonly port: number;
  process: ServiceProcess;
}

interface ServicesOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly onLog: (from: string, line: string) => void;
}

/** The service processes of a cluster, by service and index; each keeps its port over every restart. */
export function createServices({ env, onLog }: ServicesOptions) {
  const places: Record<ServiceName, Place[]> = { ingest: [], api: [], aggregator: [], 'rating-worker': [] };

  function launch(service: ServiceName, index: number, port: number): ServiceProcess {
    const onLine = (line: string): void => onLog(`${service}-${index}`, line);
    return startService({ main: `services/${service}/src/main.ts`, port, env, onLine });
  }

  function place(service: ServiceName, index: number): Place {
    const found = places[service][index];
    if (found === undefined) throw new RangeError(`no ${service} ${index}`);
    return found;
  }

  return {
    urls(): Readonly<Record<ServiceName, readonly string[]>> {
      const of = (service: ServiceName): string[] => places[service].map(({ process: { url } }) => url);
      return { ingest: of('ingest'), api: of('api'), aggregator: of('aggregator'), 'rating-worker': of('rating-worker') };
    },
    process: (service: ServiceName, index: number): ServiceProcess => place(service, index).process,
    /** One more; resolves with its index when it is ready. */
    async add(service: ServiceName): Promise<number> {
      const port = await freePort();
      const index = places[service].length;
      const added = launch(service, index, port);
      places[service].push({ port, process: added });
      await added.ready();
      return index;
    },
    /** Starts one that was ended; resolves when it is ready. */
    async start(service: ServiceName, index: number): Promise<void> {
      const one = place(service, index);
      if (one.process.isRunning) throw new Error(`${service} ${index} runs`);
      one.process = launch(service, index, one.port);
      await one.process.ready();
    },
    async killAll(): Promise<void> {
      const all = Object.values(places).flat();
      await Promise.all(all.map(({ process: each }) => each.end('SIGKILL')));
    },
  };
}
