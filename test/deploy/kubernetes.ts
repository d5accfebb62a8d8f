import { files, read, readYaml, readYamls } from './project.ts';

export interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
  readonly timeoutSeconds?: number;
}

interface Container {
  readonly image: string;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly envFrom: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly env: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
  }[];
  readonly resources: { readonly requests: { readonly cpu: string }; readonly limits: { readonly memory: string } };
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly [string, string] } } };
  readonly securityContext: object;
}

export interface Workload extends Resource {
  readonly spec: {
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly [Container];
        readonly terminationGracePeriodSeconds?: number;
        readonly enableServiceLinks: boolean;
        readonly securityContext: object;
        readonly affinity?: object;
      };
    };
  };
}

interface Kustomization {
  readonly resources: readonly string[];
  readonly images?: readonly { readonly name: string; readonly newTag: string }[];
}

const FOLDER = 'infra/kubernetes';

/** Every manifest of a kustomization's own folder that it names, and the images it sets. */
export function readKustomization(folder: string) {
  const { resources, images = [] } = readYaml(`${FOLDER}/${folder}/kustomization.yaml`) as Kustomization;
  const own = resources.filter((resource) => !resource.startsWith('../')).map((file) => `${FOLDER}/${folder}/${file}`);
  const there = files(`${FOLDER}/${folder}/*.yaml`).filter((file) => !/kustomization|example/.test(file));
  return { named: own.toSorted(), there, images, resources: own.flatMap((file) => readYamls(file) as Resource[]) };
}

/** `settings.env`, as pairs. */
export const readSettingsEnv = (): Record<string, string> =>
  Object.fromEntries(
    [...read(`${FOLDER}/settings/settings.env`).matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );

export const secretKeys = (): string[] =>
  Object.keys((readYaml(`${FOLDER}/settings/secret.example.yaml`) as { stringData: object }).stringData);
