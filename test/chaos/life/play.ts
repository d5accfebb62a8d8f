import { setTimeout as sleep } from 'node:timers/promises';
import { startReceiver, type Receiver } from '../receiver.ts';
import { createClient, Refused, type Client } from '../client.ts';
import { BEGINS, PAUSED, setUpLife, SHRUNK, TAKEN_BACK, UPGRADED } from './catalog.ts';
import { LIFE_STEPS, type LifeStep } from './steps.ts';

export interface Move {
  readonly state: string;
  readonly toVersion: number;
  readonly pending: number;
  readonly moved: number;
  readonly skipped: number;
  readonly failed: number;
}

/** The months of a sandbox. Whatever is asked for is asked again until it is answered, and looked at when the answer was lost. */
export interface Life {
  readonly client: Client;
  /** Of each customer. */
  readonly subscriptions: ReadonlyMap<string, string>;
  /** Begins the act that passes that step, once those before it are played. */
  play(step: LifeStep): void;
  /** Plays what is left, to its end. Fails with what any act failed with. */
  finish(): Promise<void>;
  /** Of its webhooks. */
  readonly receiver: Receiver;
  /** Deletes the sandbox. */
  remove(): Promise<void>;
  close(): Promise<void>;
}

const LOOK_EVERY_MS = 100;

/** Makes the sandbox `key`, and everything in it. The server must live until it is made. */
export async function openLife(
  vendor: Client,
  { url, key, random }: { readonly url: string; readonly key: string; readonly random: () => number },
): Promise<Life> {
  const receiver = await startReceiver(random);
  const { apiKey } = await vendor.post<{ apiKey: string }>('/v1/sandboxes', { key, name: key, clock: BEGINS });
  const client = createClient(url, apiKey);
  const subscriptions = await setUpLife(client, receiver.url);
  const pathOf = (customer: string): string => `/v1/subscriptions/${subscriptions.get(customer) ?? ''}`;

  /** Exactly what was previewed, and no second time: the token fits one version of the subscription. */
  async function change(customer: string, request: object): Promise<void> {
    const { token } = await client.post<{ token: string }>(`${pathOf(customer)}/changes/preview`, request);
    await unless('subscription.changed_since', client.post(`${pathOf(customer)}/changes`, { token }));
  }

  const upgradeOf = async (customer: string) =>
    (await client.all<{ id: string; state: string }>(`${pathOf(customer)}/upgrades`))[0];

  async function upgrade(customer: string): Promise<void> {
    const { token } = await client.post<{ token: string }>(`${pathOf(customer)}/changes/preview`, { kind: 'plan', plan: 'paid' });
    await unless(['upgrade.running', 'subscription.changed_since'], client.post(`${pathOf(customer)}/upgrades`, { token }));
    await until(async () => (await upgradeOf(customer))?.state !== 'running');
    // the days before, and the fee of those to come
    await until(async () => (await client.get<{ items: unknown[] }>(`/v1/invoices?customer=${customer}`)).items.length === 2);
  }

  async function takeBack(customer: string): Promise<void> {
    const { id = '' } = (await upgradeOf(customer)) ?? {};
    await unless('upgrade.not_done', client.post(`${pathOf(customer)}/upgrades/${id}/rollback`));
  }

  async function moveAll(toVersion: number, when: 'now' | 'renewal'): Promise<void> {
    await client.post('/v1/plans/moving/moves', { toVersion, when });
    await until(async () => (await client.all<Move>('/v1/plans/moving/moves')).every(({ state }) => state === 'complete'));
  }

  async function clockTo(now: string): Promise<void> {
    await unless('clock.backwards', client.post('/v1/clock', { now }));
    await until(async () => (await client.get<{ movingTo: string | null }>('/v1/clock')).movingTo === null);
  }

  const acts: Readonly<Record<LifeStep, () => Promise<unknown>>> = {
    async 'change.inserted'() {
      await change(PAUSED, { kind: 'pause', at: '2027-01-16T00:00:00Z', until: '2027-01-26T00:00:00Z' });
      await change(SHRUNK, { kind: 'plan', plan: 'small', at: 'period_end' });
    },
    'upgrade.noted': () => Promise.all(TAKEN_BACK.map(upgrade)),
    'upgrade.concluding': () => Promise.all(UPGRADED.map(upgrade)),
    'rollback.concluding': () => Promise.all(TAKEN_BACK.map(takeBack)),
    'trial.told': () => clockTo('2027-01-26T00:00:00Z'),
    'move.changed': () => moveAll(2, 'renewal'),
    async 'clock.stepped'() {
      await clockTo('2027-03-11T00:00:00Z');
      await moveAll(3, 'now');
      await clockTo('2027-04-02T00:00:00Z');
    },
  };

  let begun = 0;
  let playing: Promise<unknown> = Promise.resolve();
  function play(step: LifeStep): void {
    for (const each of LIFE_STEPS.slice(begun, LIFE_STEPS.indexOf(step) + 1)) playing = playing.then(acts[each]);
    begun = Math.max(begun, LIFE_STEPS.indexOf(step) + 1);
    // told by `finish`
    playing.catch(() => undefined);
  }
  return {
    client,
    subscriptions,
    play,
    receiver,
    remove: () => unless('sandbox.unknown', vendor.delete(`/v1/sandboxes/${key}`)),
    close: receiver.close,
    async finish() {
      play('clock.stepped');
      await playing;
    },
  };
}

/** That refusal says that it was done before: the answer was lost with a process. */
async function unless(codes: string | readonly string[], asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof Refused) || ![codes].flat().includes(error.code)) throw error;
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(LOOK_EVERY_MS);
}
