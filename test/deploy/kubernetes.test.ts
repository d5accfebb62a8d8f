import { readSettings } from '@meterline/runtime/config';
import { describe, expect, it } from 'vitest';
import { readStages } from './dockerfile.ts';
import { readKustomization, readSettingsEnv, type Resource, secretKeys, type Workload } from './kubernetes.ts';
import { defaultPort, DRAIN_SECONDS, read, SERVICES, SETTING_NAMES } from './project.ts';

const folders = ['settings', 'migrate', 'services'].map((folder) => [folder, readKustomization(folder)] as const);
const resources = folders.flatMap(([, kustomization]) => kustomization.resources);
const isWorkload = (resource: Resource): resource is Workload => /^(Deployment|Job)$/.test(resource.kind);
const workloads = resources.filter(isWorkload).map((each) => [each.metadata.name, each] as const);
const deployments = workloads.filter(([, { kind }]) => kind === 'Deployment');
const ofKind = (kind: string): Resource[] => resources.filter((resource) => resource.kind === kind);
const named = (kind: string): string[] => ofKind(kind).map(({ metadata }) => metadata.name);

it.each(folders)('%s: the kustomization names every manifest beside it', (_folder, { named: files, there }) => {
  expect(files).toEqual(there);
});

it('has a deployment and a disruption budget for each service, and an address for those that are asked', () => {
  expect(new Set(named('Deployment'))).toEqual(new Set(SERVICES));
  expect(new Set(named('PodDisruptionBudget'))).toEqual(new Set(SERVICES));
  expect(new Set(named('Service'))).toEqual(new Set(['ingest', 'api']));
  expect(named('Job')).toEqual(['migrate']);
});

it('scales ingest by CPU, of which it asks for a share, and sets no number against it', () => {
  expect(ofKind('HorizontalPodAutoscaler')).toMatchObject([
    { spec: { scaleTargetRef: { kind: 'Deployment', name: 'ingest' }, metrics: [{ resource: { name: 'cpu' } }] } },
  ]);
  const ingest = deployments.find(([name]) => name === 'ingest')?.[1];
  expect(ingest?.spec).not.toHaveProperty('replicas');
  expect(ingest?.spec.template.spec.containers[0].resources.requests.cpu).toBe('500m');
});

describe.each(workloads)('%s', (name, { spec }) => {
  const pod = spec.template.spec;
  const [container] = pod.containers;

  it('runs an image that is built, at a version', () => {
    const images = folders.flatMap(([, kustomization]) => kustomization.images);
    expect(container.image).toBe(`meterline/${name}`);
    expect([...readStages().stages.keys()]).toContain(name);
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(images.filter((image) => image.name === container.image)).toMatchObject([{ newTag: version }]);
  });

  it('is told only settings that there are, starts with them, and has secrets by reference to what the example holds', () => {
    const env = container.env.map((each) => [each.name, each.value ?? secretFor(each.name)] as const);
    const all = { ...readSettingsEnv(), ...Object.fromEntries(env) };
    expect(Object.keys(all).filter((each) => !SETTING_NAMES.has(each))).toEqual([]);
    expect(readSettings(all, { METERLINE_BACKEND: 'distributed' }).kafka.minInsyncReplicas).toBe(2);
    const references = container.env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []);
    expect(references.filter((reference) => reference.name !== 'meterline' || !secretKeys().includes(reference.key))).toEqual([]);
    const secrets = container.env.filter(({ name: setting }) => /PASSWORD|_URL|ADMIN_KEY/.test(setting));
    expect(secrets.filter(({ value }) => value !== undefined)).toEqual([]);
    expect(container.envFrom).toEqual([{ configMapRef: { name: 'meterline-settings' } }]);
    // A Service called `meterline` would otherwise become METERLINE_PORT.
    expect(pod.enableServiceLinks).toBe(false);
  });

  it('has the rights and the memory it needs, and no more', () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.resources.limits.memory).toMatch(/^\d+[MG]i$/);
  });
});

describe.each(deployments)('%s', (name, { spec }) => {
  const pod = spec.template.spec;
  const [container] = pod.containers;

  it('listens where its image does, and is asked there for its health', () => {
    expect(container.ports).toEqual([{ name: 'http', containerPort: Number(defaultPort(name)) }]);
    expect(container.startupProbe?.httpGet).toEqual({ path: '/healthz', port: 'http' });
    expect(container.livenessProbe?.httpGet).toEqual({ path: '/healthz', port: 'http' });
    expect(container.readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'http' });
    // The checks behind it may take 2 s.
    expect(container.readinessProbe?.timeoutSeconds).toBeGreaterThan(2);
  });

  it('may take longer to stop than it waits and drains', () => {
    const waitSeconds = Number(container.lifecycle?.preStop.exec.command[1] ?? 0);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(DRAIN_SECONDS + waitSeconds);
    expect(waitSeconds > 0).toBe(named('Service').includes(name));
  });

  it('is found by its selectors, spread over machines, and kept from going all at once', () => {
    const labels = { 'app.kubernetes.io/name': name };
    expect(spec.template.metadata.labels).toMatchObject(labels);
    expect(spec.selector?.matchLabels).toEqual(labels);
    expect(JSON.stringify(pod.affinity)).toContain(JSON.stringify({ matchLabels: labels }));
    const budget = ofKind('PodDisruptionBudget').find(({ metadata }) => metadata.name === name);
    expect(budget).toMatchObject({ spec: { maxUnavailable: 1, selector: { matchLabels: labels } } });
    const address = ofKind('Service').find(({ metadata }) => metadata.name === name);
    if (address !== undefined) {
      expect(address).toMatchObject({
        spec: { selector: labels, ports: [{ port: Number(defaultPort(name)), targetPort: 'http' }] },
      });
    }
  });
});

/** A value of the right form in place of a secret. */
function secretFor(setting: string): string {
  if (setting === 'METERLINE_POSTGRES_URL') return 'postgres://meterline:secret@postgres:5432/meterline';
  if (setting === 'METERLINE_REDIS_URL') return 'redis://:secret@redis:6379';
  return 'sixteen-and-more-characters';
}
