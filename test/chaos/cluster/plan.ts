import type { EngineName } from '../../engines/names.ts';
import type { ServiceName } from '../../cluster/index.ts';

/** One thing that goes wrong, and is mended again. */
export type Act =
  /** SIGKILL. */
  | { readonly kind: 'kill'; readonly service: ServiceName; readonly index: number }
  /** SIGKILL to an aggregator, `whenLeading`: once it leads partitions. It is started again only when another has taken over what it led. */
  | { readonly kind: 'kill aggregator'; readonly index: number; readonly whenLeading: boolean }
  | { readonly kind: 'kill engine'; readonly engine: EngineName; readonly index: number; readonly downMs: number }
  /** SIGSTOP, for longer than others believe it alive. */
  | { readonly kind: 'freeze'; readonly service: ServiceName; readonly index: number }
  /** Some connections of the services are reset within a request or an answer. */
  | {
      readonly kind: 'cut';
      readonly engine: EngineName;
      readonly fault: 'cut_request' | 'cut_response';
      readonly afterBytes: number;
      readonly times: number;
    };

export interface Round {
  /** One after the other, beside `others`. */
  readonly aggregators: readonly Act[];
  readonly others: readonly Act[];
  /** The topic is read from its start again, as a new log, into an empty usage store. */
  readonly replays: boolean;
}

export const PROCESSES: Readonly<Record<ServiceName, number>> = { ingest: 2, api: 2, aggregator: 2, 'rating-worker': 2 };
export const BROKERS = 3;

/** The first of them at any moment, the others once it leads something. */
const AGGREGATOR_KILLS = 7;
const ENGINES = ['kafka', 'clickhouse', 'postgres', 'redis'] as const;
const OTHER_SERVICES = ['ingest', 'api', 'rating-worker'] as const;
const OTHER_KILLS = ENGINES.length + OTHER_SERVICES.length;
const KILLS_PER_ROUND = AGGREGATOR_KILLS + OTHER_KILLS;
const CUTS_PER_ROUND = 3;
const REPLAY_EVERY_ROUNDS = 3;

/** Rounds with `kills` kills in all, at least; a run shorter than a round has fewer aggregator kills. */
export function planRounds(kills: number, random: () => number): Round[] {
  const below = (limit: number): number => Math.floor(random() * limit);
  const count = Math.max(1, Math.ceil(kills / KILLS_PER_ROUND));

  function shuffled(acts: readonly Act[]): Act[] {
    const keyed = acts.map((act) => ({ act, key: random() }));
    return keyed.sort((a, b) => a.key - b.key).map(({ act }) => act);
  }

  function cut(): Act {
    const engine = ENGINES[below(ENGINES.length)] ?? 'kafka';
    const fault = random() < 0.5 ? 'cut_request' : 'cut_response';
    return { kind: 'cut', engine, fault, afterBytes: below(3_000), times: 1 + below(6) };
  }

  return Array.from({ length: count }, (_, round) => {
    const aggregatorKills = Math.min(AGGREGATOR_KILLS, Math.max(1, kills - OTHER_KILLS));
    const killsHere = Array.from({ length: aggregatorKills }, (_each, nth): Act => ({ kind: 'kill aggregator', index: below(PROCESSES.aggregator), whenLeading: nth > 0 })); // prettier-ignore
    const frozen = OTHER_SERVICES[round % OTHER_SERVICES.length] ?? 'ingest';
    return {
      aggregators: shuffled([...killsHere, { kind: 'freeze', service: 'aggregator', index: below(PROCESSES.aggregator) }]),
      others: shuffled([
        ...OTHER_SERVICES.map((service): Act => ({ kind: 'kill', service, index: below(PROCESSES[service]) })),
        ...ENGINES.map((engine): Act => ({ kind: 'kill engine', engine, index: engine === 'kafka' ? below(BROKERS) : 0, downMs: 200 + below(3_000) })), // prettier-ignore
        ...Array.from({ length: CUTS_PER_ROUND }, cut),
        ...(count > 1 ? [{ kind: 'freeze', service: frozen, index: below(PROCESSES[frozen]) } as const] : []),
      ]),
      replays: round % REPLAY_EVERY_ROUNDS === 0,
    };
  });
}
