import { LIFE_STEPS } from './life/steps.ts';
import { INVOICE_STEPS, TRAFFIC_STEPS, type Step } from './steps.ts';
import type { KillPlan } from './server-process.ts';

/** A step, or a random moment: so long after the start of the process, or after it became ready. */
export type Kill = KillPlan | { readonly step: null; readonly after: 'start' | 'ready'; readonly delayMs: number };

export interface MonthOfKills {
  /** And subscriptions go through their lives. */
  readonly whileTrafficFlows: readonly Kill[];
  readonly whileInvoicing: readonly Kill[];
}

const KILLS_PER_MONTH = 37;
/** One process passes these only once or twice. */
const RARE: ReadonlySet<Step> = new Set([
  ...['acquired', 'compaction.planned', 'compaction.written', 'compaction.committed'],
  ...['delivery.claimed', 'delivery.sent', 'delivery.recorded'],
  ...['change.inserted', 'upgrade.noted', 'upgrade.concluding', 'rollback.concluding', 'clock.stepped'],
] as const);

/** Spreads the kills over months: every named step in turn, and random moments between. */
export function planKills(kills: number, random: () => number): MonthOfKills[] {
  const months = Math.max(1, Math.round(kills / KILLS_PER_MONTH));
  const trafficSteps = cycle(TRAFFIC_STEPS);
  const share = Math.floor(kills / months);
  let traffic = 0;

  function nextTraffic(): Kill {
    traffic += 1;
    // every step once first, so that a short run passes all of them
    if (traffic > TRAFFIC_STEPS.length && traffic % 2 === 0) return randomMoment(random);
    return at(trafficSteps());
  }

  const at = (step: Step): Kill => ({ step, nth: RARE.has(step) ? 1 : 1 + Math.floor(random() * 3) });

  return Array.from({ length: months }, (_, month) => {
    const here = month === months - 1 ? kills - share * (months - 1) : share;
    const invoicing = Math.min(INVOICE_STEPS.length, Math.max(1, Math.floor(here / 5)));
    const living = LIFE_STEPS.slice(0, Math.floor(here / 5)).map(at);
    const traffic = Array.from({ length: here - invoicing - living.length }, nextTraffic);
    return {
      whileTrafficFlows: spread(living, traffic),
      whileInvoicing: INVOICE_STEPS.slice(0, invoicing).map((step) => ({ step, nth: 1 })),
    };
  });
}

/** `few` among `many` at even distances, both in their order; the last of `many` is the last of all. */
function spread<T>(few: readonly T[], many: readonly T[]): T[] {
  const distance = Math.floor(many.length / (few.length + 1));
  return many.flatMap((item, index) => {
    const one = few[(index + 1) / distance - 1];
    return one === undefined ? [item] : [item, one];
  });
}

function randomMoment(random: () => number): Kill {
  return random() < 0.4
    ? { step: null, after: 'start', delayMs: 50 + random() * 4_000 }
    : { step: null, after: 'ready', delayMs: random() * 1_500 };
}

/** All items in order, again and again. */
function cycle<T>(items: readonly T[]): () => T {
  let next = 0;
  return () => {
    const item = items[next % items.length];
    if (item === undefined) throw new Error('nothing to choose from');
    next += 1;
    return item;
  };
}
