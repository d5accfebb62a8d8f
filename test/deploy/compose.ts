import { readYaml } from './project.ts';

export interface ComposeService {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string };
  readonly environment?: Readonly<Record<string, string | number | null>>;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly memory?: string } } };
  readonly logging?: { readonly options?: { readonly 'max-size'?: string } };
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
  readonly networks?: Readonly<Record<string, { readonly aliases?: readonly string[] }>> | readonly string[];
  readonly network_mode?: string;
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, object>>;
}

export const readCompose = (): Compose => readYaml('docker-compose.yml') as Compose;

const VARIABLE = /\$\{(\w+)(?::-([^}]*))?\}/g;

/** Every `${NAME:-default}` of a text; undefined where it has no default. */
export const variablesOf = (text: string): (readonly [string, string | undefined])[] =>
  [...text.matchAll(VARIABLE)].map(([, name = '', byDefault]) => [name, byDefault]);

/** What Compose makes of a text when nothing is set. */
export const byDefault = (text: string): string =>
  text.replaceAll(VARIABLE, (_whole, _name, value: string | undefined) => value ?? '');

/** The environment of a container when nothing is set. */
export const environmentOf = ({ environment = {} }: ComposeService): Record<string, string> =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, byDefault(String(value ?? ''))]));
