import { MOVED } from './catalog.ts';
import { CHANGES_MADE, DOCUMENTS, TRIAL_NOTICES, UPGRADES } from './expected.ts';
import type { Life, Move } from './play.ts';
import type { Message } from '../receiver.ts';

interface Invoice {
  readonly id: string;
  readonly number: string;
  readonly kind: string;
  readonly customer: string;
  readonly plan: string;
  readonly period: { readonly from: string; readonly to: string };
  readonly total: string;
  readonly issuedAt: string;
}

type CreditNote = Pick<Invoice, 'id' | 'customer' | 'plan' | 'period' | 'issuedAt'> & {
  readonly treatment: string;
  readonly amount: string;
};

interface Change {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly at: string;
  readonly plan?: string;
  readonly planVersion?: number;
}

/** Every check answers what differs, in words; nothing if all is well. */
type Differences = string[];

const day = (instant: string): string => instant.slice('2027-'.length, '2027-01-01'.length);

/** What there is of the sandbox, compared with a life that no kill disturbed; not its webhooks. */
export async function checkLife({ client, subscriptions }: Life): Promise<Differences> {
  const invoices = await client.all<Invoice>('/v1/invoices');
  const notes = await client.all<CreditNote>('/v1/credit-notes');
  const documents = [...invoices, ...notes.map((note) => ({ ...note, kind: note.treatment, total: note.amount }))].map(
    ({ customer, kind, plan, period, total, issuedAt }) =>
      `${customer}: ${kind} ${plan} ${day(period.from)} to ${day(period.to)}: ${total}, issued ${day(issuedAt)}`,
  );
  const numbers = invoices.map(({ number }) => number);
  const gapless = numbers.map((_, index) => `INV-${String(index + 1).padStart(6, '0')}`);
  const upgrades: string[] = [];
  const changes: string[] = [];
  for (const [customer, id] of subscriptions) {
    const made = await client.all<{ state: string }>(`/v1/subscriptions/${id}/upgrades`);
    upgrades.push(...made.map(({ state }) => `${customer}: ${state}`));
    changes.push(...(await changesOf(client, id)).map((change) => `${customer}: ${said(change)}`));
  }
  return [
    ...compared('a document', documents, DOCUMENTS),
    ...compared('an invoice number', numbers, gapless),
    ...compared('a change', changes, CHANGES_MADE),
    ...compared('an upgrade', upgrades, UPGRADES),
    ...differencesOfMoves(await client.all<Move>('/v1/plans/moving/moves')),
  ];
}

/** Each trial, change, invoice and credit note is told under one webhook-id. */
export async function checkLifeWebhooks({ client, subscriptions, receiver }: Life): Promise<Differences> {
  const messages = [...receiver.messages.values()];
  const of = (type: string, what: (data: Message['data']) => unknown) =>
    messages.filter((message) => message.type === type).map(({ data }) => String(what(data)));
  const trials = [
    ...of('subscription.trial_will_end', ({ customer }) => `${String(customer)}: will end`),
    ...of('subscription.trial_ended', ({ customer, outcome }) => `${String(customer)}: ${String(outcome)}`),
  ];
  const idsOf = async (list: string) => (await client.all<{ id: string }>(`/v1/${list}`)).map(({ id }) => id);
  const changes: string[] = [];
  for (const id of subscriptions.values()) changes.push(...(await changesOf(client, id)).map((change) => change.id));
  return [
    ...receiver.altered.map((id) => `webhook ${id} came with different contents`),
    ...compared('a message of', trials, TRIAL_NOTICES),
    ...compared('a message of change', of('subscription.changed', ({ change }) => change), changes), // prettier-ignore
    ...compared('a message of', of('invoice.finalized', ({ invoice }) => invoice), await idsOf('invoices')), // prettier-ignore
    ...compared('a message of', of('credit_note.issued', ({ creditNote }) => creditNote), await idsOf('credit-notes')), // prettier-ignore
  ];
}

const changesOf = async (client: Life['client'], id: string): Promise<Change[]> =>
  (await client.all<Change>(`/v1/subscriptions/${id}/changes`)).filter(({ kind }) => kind !== 'start');

function said({ kind, state, at, plan, planVersion }: Change): string {
  const terms = plan === undefined ? '' : ` ${plan} ${planVersion ?? ''}`;
  return `${state === 'withdrawn' ? 'withdrawn ' : ''}${kind}${terms} ${day(at)}`;
}

/** A request whose answer was lost may have been made twice: then the second move finds nothing left to move. */
function differencesOfMoves(moves: readonly Move[]): Differences {
  return [2, 3].flatMap((version) => {
    const here = moves.filter(({ toVersion }) => toVersion === version);
    const open = here.filter(({ state }) => state !== 'complete');
    const sum = (of: (move: Move) => number) => here.reduce((all, move) => all + of(move), 0);
    const [moved, lost] = [sum((move) => move.moved), sum((move) => move.pending + move.failed)];
    const skipped = here.length === 1 ? sum((move) => move.skipped) : 0;
    if (open.length === 0 && moved === MOVED.length && lost + skipped === 0) return [];
    return [`moves to version ${version}: ${JSON.stringify(here)}, not ${MOVED.length} moved`];
  });
}

/** What is there too often, or not. */
function compared(what: string, found: readonly string[], expected: readonly string[]): Differences {
  const times = (list: readonly string[]) => Map.groupBy(list, (each) => each);
  const [there, wanted] = [times(found), times(expected)];
  return [...new Set([...wanted.keys(), ...there.keys()])].flatMap((each) => {
    const [is, should] = [there.get(each)?.length ?? 0, wanted.get(each)?.length ?? 0];
    return is === should ? [] : [`${what} ${each} is there ${is} times, not ${should}`];
  });
}
