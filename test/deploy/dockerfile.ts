import { read } from './project.ts';

export const DOCKERFILE = 'infra/images/Dockerfile';

export interface Stage {
  readonly from: string;
  /** `[instruction, arguments]`, also of the stages it is made from, those first. */
  readonly steps: readonly (readonly [string, string])[];
}

/** The stages of the Dockerfile by name; `global` has what stands before the first. */
export function readStages(): { readonly global: Stage['steps']; readonly stages: ReadonlyMap<string, Stage> } {
  const lines = read(DOCKERFILE)
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  const global: (readonly [string, string])[] = [];
  const stages = new Map<string, { from: string; steps: (readonly [string, string])[] }>();
  let steps = global;
  for (const line of lines) {
    const [, instruction = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    const [, from, name] = instruction === 'FROM' ? (/^(\S+) AS (\S+)$/.exec(rest) ?? []) : [];
    if (from !== undefined && name !== undefined) {
      steps = [...(stages.get(from)?.steps ?? [])];
      stages.set(name, { from, steps });
    } else if (instruction !== '') steps.push([instruction, rest]);
  }
  return { global, stages };
}

/** The last that counts. */
export const lastOf = ({ steps }: Stage, instruction: string): string | undefined =>
  steps.findLast(([name]) => name === instruction)?.[1];

/** What is copied out of the project, without what comes from other stages. */
export function copied({ steps }: Stage): string[] {
  const copies = steps.filter(([name, rest]) => name === 'COPY' && !rest.startsWith('--from'));
  return copies.flatMap(([, rest]) => rest.split(/\s+/).slice(0, -1));
}

/** The script a stage runs, as a path in the project. */
export function scriptOf(stage: Stage): string {
  const words = JSON.parse(lastOf(stage, 'ENTRYPOINT') ?? '[]') as string[];
  if (words[0] !== 'node') throw new Error(`not Node itself gets the signals: ${words.join(' ')}`);
  return words.at(-1) ?? '';
}
