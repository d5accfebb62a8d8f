import { MeterlineError } from './meterline-error.ts';
import type { Settings, WhenUnavailable } from './options.ts';

/** What the server says of a feature. Quantities are decimal texts. */
export interface Entitlement {
  readonly feature: string;
  readonly hasAccess: boolean;
  /** Null: no subscription of the customer gives the feature. */
  readonly type: 'boolean' | 'static' | 'metered' | null;
  /** Null: unlimited. */
  readonly limit: string | null;
  readonly used: string | null;
  readonly balance: string | null;
  readonly overage: string | null;
  readonly resetsAt: string | null;
  /** JSON, as text: of a static one. */
  readonly value: string | null;
}

export interface EntitlementCheck {
  readonly hasAccess: boolean;
  /** `policy`: the server could not be asked, and `whenUnavailable` decided. */
  readonly decidedBy: 'server' | 'policy';
  /** Absent when the policy decided. */
  readonly entitlement?: Entitlement;
}

export interface EntitlementChecker {
  check(customer: string, feature: string, whenUnavailable?: WhenUnavailable): Promise<EntitlementCheck>;
}

interface Answer {
  readonly untilMs: number;
  /** Undefined: the server did not say. */
  readonly entitlement: Entitlement | undefined;
}

const ANSWERS_MAX = 10_000;

/** Asks the server, and keeps each answer for `entitlementCacheMs`. While there is no answer at all nobody waits for one again for as long. */
export function createEntitlementChecker(settings: Settings): EntitlementChecker {
  const answers = new Map<string, Answer>();
  const underWay = new Map<string, Promise<Answer>>();
  let restUntilMs = -Infinity;

  async function ask(customer: string, feature: string): Promise<Answer> {
    let entitlement: Entitlement | undefined;
    try {
      entitlement = await fetchEntitlement(settings, customer, feature);
    } catch (cause) {
      const error =
        cause instanceof MeterlineError ? cause : new MeterlineError('unavailable', `no connection: ${String(cause)}`, { cause });
      if (error.code === 'unavailable') restUntilMs = settings.now() + settings.entitlementCacheMs;
      settings.onError(error);
    }
    return { untilMs: settings.now() + settings.entitlementCacheMs, entitlement };
  }

  function keep(key: string, answer: Answer): void {
    answers.delete(key);
    answers.set(key, answer);
    for (const oldest of answers.keys()) {
      if (answers.size <= ANSWERS_MAX) break;
      answers.delete(oldest);
    }
  }

  async function answerOf(customer: string, feature: string): Promise<Answer | undefined> {
    const key = JSON.stringify([customer, feature]);
    const nowMs = settings.now();
    const kept = answers.get(key);
    if (kept !== undefined && nowMs < kept.untilMs) return kept;
    if (nowMs < restUntilMs) return undefined;
    let asked = underWay.get(key);
    if (asked === undefined) {
      asked = ask(customer, feature).then((answer) => {
        underWay.delete(key);
        keep(key, answer);
        return answer;
      });
      underWay.set(key, asked);
    }
    return asked;
  }

  return {
    async check(customer, feature, whenUnavailable = settings.whenUnavailable) {
      const entitlement = (await answerOf(customer, feature))?.entitlement;
      if (entitlement === undefined) return { hasAccess: whenUnavailable === 'allow', decidedBy: 'policy' };
      return { hasAccess: entitlement.hasAccess, decidedBy: 'server', entitlement };
    },
  };
}

/** One attempt. Fails with MeterlineError `unavailable`, `unauthorized`, `check_refused` or `answer_invalid`. */
async function fetchEntitlement(settings: Settings, customer: string, feature: string): Promise<Entitlement> {
  const abort = new AbortController();
  const limitMs = settings.entitlementTimeoutMs;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timedOut = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new MeterlineError('unavailable', `no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    // Not left to the signal alone: a fetch that ignores it must not hold the caller.
    return await Promise.race([request(settings, customer, feature, abort.signal), timedOut]);
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

async function request(settings: Settings, customer: string, feature: string, signal: AbortSignal): Promise<Entitlement> {
  const path = `/v1/customers/${encodeURIComponent(customer)}/entitlements/${encodeURIComponent(feature)}`;
  const response = await settings.fetch(`${settings.url}${path}`, {
    headers: { authorization: `Bearer ${settings.apiKey()}` },
    signal,
  });
  const text = await response.text();
  const { status } = response;
  const failure = (code: MeterlineError['code'], reason: string): MeterlineError =>
    new MeterlineError(code, `the server answered ${status}: ${reason}`, { status });
  if (status === 401 || status === 403) throw failure('unauthorized', 'the key needs the scope read');
  if (status === 408 || status === 425 || status === 429 || status >= 500) throw failure('unavailable', 'it cannot say now');
  const answer = parseJson(text);
  const reason = answer?.['code'];
  if (status >= 400) throw failure('check_refused', typeof reason === 'string' ? reason : 'no such customer or feature');
  if (status !== 200 || typeof answer?.['hasAccess'] !== 'boolean') throw failure('answer_invalid', 'no entitlement');
  return answer as unknown as Entitlement;
}

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // An answer that is not JSON is none of Meterline's; its status tells the rest.
    return undefined;
  }
}
