import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CpuProfile, ProfileNode } from './inspector.ts';

/** What the thread of an aggregator does, each a share of the time. */
export const WORK = [
  'JSON',
  'hashing',
  'id filter and lookups',
  'folding and encoding rows',
  'inserts (HTTP)',
  'Kafka',
  'ledger (PostgreSQL)',
  'compression',
  'garbage collection',
  'sockets and event loop',
  'other',
  'waiting',
] as const;
export type Work = (typeof WORK)[number];

/** The innermost frame that one of these knows says what it is for. */
const BY_PLACE: readonly (readonly [RegExp, Work])[] = [
  [/internal\/crypto|row-hash/, 'hashing'],
  [/node:zlib|internal\/.*zlib/, 'compression'],
  [/aggregation\/(known-ids|id-filter|claims)\.ts/, 'id filter and lookups'],
  [/aggregation\/(row-batch|usage-rows|derive|deltas|segment-config)\.ts|packages\/domain\//, 'folding and encoding rows'],
  [/backends\/src\/kafka\/|node_modules\/kafkajs\/|pipeline\/src\/events\//, 'Kafka'],
  [/backends\/src\/clickhouse\/|node_modules\/@clickhouse\/|aggregation\/table-writer\.ts|node:_http/, 'inserts (HTTP)'],
  [/backends\/src\/postgres\/|node_modules\/pg/, 'ledger (PostgreSQL)'],
  [/aggregation\/decode\.ts/, 'JSON'],
];
const BY_FUNCTION: ReadonlyMap<string, Work> = new Map([
  ['(idle)', 'waiting'],
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'sockets and event loop'],
]);
/** A line that calls what leaves no frame of its own. */
const BY_LINE: readonly (readonly [RegExp, Work])[] = [
  [/JSON\.(parse|stringify)/, 'JSON'],
  [/\bhash(Id)?\(/, 'hashing'],
];

/** Seconds spent in each kind of work while the profile was taken. */
export function workOf(profile: CpuProfile): ReadonlyMap<Work, number> {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)));
  const spent = new Map<Work, number>(WORK.map((work) => [work, 0]));
  for (const [id, seconds] of selfSeconds(profile)) {
    const node = nodes.get(id);
    if (node === undefined) continue;
    for (const { work, share } of split(node, parents)) spent.set(work, (spent.get(work) ?? 0) + seconds * share);
  }
  return spent;
}

function selfSeconds({ samples, timeDeltas }: CpuProfile): Map<number, number> {
  const seconds = new Map<number, number>();
  for (const [at, id] of samples.entries()) seconds.set(id, (seconds.get(id) ?? 0) + (timeDeltas[at] ?? 0) / 1e6);
  return seconds;
}

/** A frame's own time by the lines it was on. */
function split(node: ProfileNode, parents: ReadonlyMap<number, ProfileNode>): { work: Work; share: number }[] {
  const whole = placeOf(node, parents);
  const ticks = node.positionTicks ?? [];
  const total = ticks.reduce((sum, tick) => sum + tick.ticks, 0);
  if (total === 0 || !node.callFrame.url.startsWith('file:')) return [{ work: whole, share: 1 }];
  return ticks.map(({ line, ticks: count }) => {
    const text = linesOf(node.callFrame.url)[line - 1] ?? '';
    const work = BY_LINE.find(([pattern]) => pattern.test(text))?.[1] ?? whole;
    return { work, share: count / total };
  });
}

function placeOf(node: ProfileNode, parents: ReadonlyMap<number, ProfileNode>): Work {
  const byFunction = BY_FUNCTION.get(node.callFrame.functionName);
  if (byFunction !== undefined) return byFunction;
  let isOurs = false;
  for (let at: ProfileNode | undefined = node; at !== undefined; at = parents.get(at.id)) {
    const { url } = at.callFrame;
    const found = BY_PLACE.find(([pattern]) => pattern.test(url))?.[1];
    if (found !== undefined) return found;
    isOurs ||= url.startsWith('file:');
  }
  return isOurs ? 'other' : 'sockets and event loop';
}

const sources = new Map<string, readonly string[]>();

function linesOf(url: string): readonly string[] {
  let lines = sources.get(url);
  if (lines === undefined) sources.set(url, (lines = readFileSync(fileURLToPath(url), 'utf8').split('\n')));
  return lines;
}
