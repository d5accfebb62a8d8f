import { expect, it } from 'vitest';
import { EVENT_ROUTES } from '@meterline/composition/event-contract';
import { defaultPort, files, read, readYaml } from './project.ts';

const CADDYFILE = read('infra/images/Caddyfile');

interface Ingress {
  readonly spec: {
    readonly rules: readonly {
      readonly http: { readonly paths: readonly { path: string; backend: { service: { name: string } } }[] };
    }[];
  };
}

/** The routes that a service registers itself, as they stand in its source. */
const routesOf = (service: string): string[] =>
  files(`services/${service}/src/*.ts`)
    .filter((file) => !/(test|fixture)\.ts$/.test(file))
    .flatMap((file) => [...read(file).matchAll(/\.(?:get|post|put|patch|delete|options)\(\s*'(\/v1\/[^']*)'/g)])
    .flatMap(([, route]) => route ?? []);

const isOfEvents = (route: string): boolean => route === '/v1/events' || route.startsWith('/v1/events/');

it('finds events at ingest and everything else at the API, as the gateway and the ingress assume', () => {
  const described = Object.values(EVENT_ROUTES).map(({ url }) => url);
  expect(described).toHaveLength(3);
  expect([...described, ...routesOf('ingest')].filter((route) => !isOfEvents(route))).toEqual([]);
  expect(routesOf('api').length).toBeGreaterThan(20);
  expect(routesOf('api').filter(isOfEvents)).toEqual([]);
});

it('leads the gateway to the ports where they listen', () => {
  expect(CADDYFILE).toMatch(/@events path \/v1\/events \/v1\/events\/\*\n/);
  const upstreams = [...CADDYFILE.matchAll(/dynamic a (\S+) (\d+)/g)].map(([, name, port]) => [name, port]);
  expect(upstreams).toEqual([
    ['ingest', defaultPort('ingest')],
    ['api', defaultPort('api')],
  ]);
});

it('leads the ingress to the same, and to no health or metrics', () => {
  const { spec } = readYaml('infra/kubernetes/services/ingress.yaml') as Ingress;
  const paths = spec.rules.flatMap(({ http }) => http.paths).map(({ path, backend }) => [path, backend.service.name]);
  expect(paths).toEqual([
    ['/v1/events', 'ingest'],
    ['/v1', 'api'],
    ['/docs', 'api'],
    ['/openapi.json', 'api'],
  ]);
  expect(CADDYFILE).toMatch(/@inside path \/metrics \/healthz \/readyz\n\thandle @inside \{\n\t\trespond 404/);
});
