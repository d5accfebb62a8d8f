import { setTimeout as sleep } from 'node:timers/promises';
import type { InvoiceDocument } from '@meterline/domain/invoices';

const EVENTS_A_REQUEST = 1000;

export interface Reconciliation {
  readonly holds: boolean;
  readonly invariants: readonly {
    readonly name: string;
    readonly counts: Readonly<Record<string, number>>;
    readonly differences: readonly string[];
  }[];
}

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

export interface ScenarioEvent {
  readonly id?: string;
  readonly source?: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A tenant as its programs meet it, over HTTP. */
export interface ScenarioTenant {
  /** Answers the body; fails with the problem, as text, if it is one. */
  call<T>(method: string, route: string, body?: unknown): Promise<T>;
  /** Answers the problem; fails with the body, as text, if there is none. */
  refusal(method: string, route: string, body?: unknown): Promise<Problem>;
  /** Moves the clock; that of a sandbox until everything due by then is done. */
  clockTo(now: string): Promise<void>;
  /** Sends events (id and source are made up unless given) and waits until they count. Answers their ids. */
  use(...events: readonly ScenarioEvent[]): Promise<string[]>;
  /** Waits until everything in the log is usage. */
  counted(): Promise<void>;
  /** Invoices whatever has ended by now, and waits for the run. */
  invoiceRun(): Promise<void>;
  /** Waits until every invoice run is over, whatever began it. */
  runsOver(): Promise<void>;
  /** Invoices of a customer, oldest first, once there are `count` of them. Fails if there are more. */
  invoices(customer: string, count: number): Promise<InvoiceDocument[]>;
  /** Credit notes of a customer, oldest first, once there are `count` of them. Fails if there are more. */
  creditNotes(customer: string, count: number): Promise<InvoiceDocument[]>;
  reconciliation(): Promise<Reconciliation>;
  /** What does not hold, in words, and how many documents rated again to what they say. */
  reconciled(): Promise<{ readonly differences: readonly string[]; readonly documents: number }>;
}

interface Access {
  readonly url: string;
  readonly key: string;
  /** How the server's log ends, for an answer that no server should give. */
  readonly logTail: () => Promise<string>;
}

export function scenarioTenant({ url, key, logTail }: Access): ScenarioTenant {
  let sent = 0;

  async function ask(method: string, route: string, body: unknown): Promise<{ isProblem: boolean; answer: unknown }> {
    const response = await fetch(`${url}${route}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (response.status >= 500)
      throw new Error(`${method} ${route}: ${JSON.stringify(answer)}\nThe server's log ends:\n${await logTail()}`);
    return { isProblem: !response.ok, answer };
  }

  async function call<T>(method: string, route: string, body?: unknown): Promise<T> {
    const { isProblem, answer } = await ask(method, route, body);
    if (isProblem) throw new Error(`${method} ${route}: ${JSON.stringify(answer)}`);
    return answer as T;
  }

  /** Documents of a list, oldest first, once there are `count` of them. */
  async function documents(list: 'invoices' | 'credit-notes', customer: string, count: number): Promise<InvoiceDocument[]> {
    const items = await until(async () => {
      const page = await call<{ items: { id: string }[] }>('GET', `/v1/${list}?customer=${customer}&limit=100`);
      return page.items.length >= count ? page.items : undefined;
    });
    if (items.length > count) throw new Error(`${customer} has ${items.length} ${list}, not ${count}`);
    const found = await Promise.all(items.map(({ id }) => call<InvoiceDocument>('GET', `/v1/${list}/${id}`)));
    return found.reverse();
  }

  const reconciliation = () => call<Reconciliation>('GET', '/v1/reconciliation');

  async function counted(): Promise<void> {
    await until(async () => {
      const tiled = (await reconciliation()).invariants.find(({ name }) => name === 'segments tile the log');
      return tiled?.counts['pending'] === 0 ? true : undefined;
    });
  }

  return {
    call,
    counted,
    reconciliation,
    invoices: (customer, count) => documents('invoices', customer, count),
    creditNotes: (customer, count) => documents('credit-notes', customer, count),

    async refusal(method, route, body) {
      const { isProblem, answer } = await ask(method, route, body);
      if (!isProblem) throw new Error(`${method} ${route} was not refused: ${JSON.stringify(answer)}`);
      return answer as Problem;
    },

    async reconciled() {
      const { invariants } = await reconciliation();
      const ratedAgain = invariants.find(({ name }) => name === 'invoices rate again to what they say');
      return {
        differences: invariants.flatMap(({ name, differences }) => differences.map((difference) => `${name}: ${difference}`)),
        documents: ratedAgain?.counts['reRated'] ?? 0,
      };
    },

    async clockTo(to) {
      type Clock = { readonly movingTo: string | null };
      const { movingTo } = await call<Clock>('POST', '/v1/clock', { now: to });
      if (movingTo === null) return;
      await until(async () => ((await call<Clock>('GET', '/v1/clock')).movingTo === null ? true : undefined));
    },

    async use(...events) {
      const complete = events.map((event) => ({ specversion: '1.0', id: `e${(sent += 1)}`, source: 'scenario', ...event }));
      for (let from = 0; from < complete.length; from += EVENTS_A_REQUEST)
        await call('POST', '/v1/events', complete.slice(from, from + EVENTS_A_REQUEST));
      await counted();
      return complete.map(({ id }) => id);
    },

    async invoiceRun() {
      const { id } = await call<{ id: string }>('POST', '/v1/invoice-runs', {});
      await until(async () => {
        const { state } = await call<{ state: string }>('GET', `/v1/invoice-runs/${id}`);
        return state === 'complete' ? true : undefined;
      });
    },

    async runsOver() {
      await until(async () => {
        const { items } = await call<{ items: { state: string }[] }>('GET', '/v1/invoice-runs?limit=20');
        return items.every(({ state }) => state === 'complete') ? true : undefined;
      });
    },
  };
}

/** Asks until there is an answer: the test's own time limit ends it. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(20);
  }
}
