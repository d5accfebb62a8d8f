import type { Client } from '../client.ts';
import { createClient } from '../client.ts';
import type { Terminal } from '../terminal.ts';
import type { Checks } from './checks.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { startServer } from './server.ts';

/** Where the demo's acts take place. */
export interface Stage {
  readonly url: string;
  readonly key: string;
  readonly client: Client;
  readonly receiver: Receiver;
  readonly terminal: Terminal;
  readonly checks: Checks;
  readonly signal: AbortSignal;
}

export interface StageOptions extends Pick<Stage, 'key' | 'terminal' | 'checks' | 'signal'> {
  readonly folder: string;
  /** RFC 3339: when the server's test clock starts. */
  readonly clockStart: string;
  /** A deployment that is there already, with nothing in it, whose test clock starts then; otherwise a server of the demo's own is started. */
  readonly url?: string | undefined;
  /** Told how to undo each thing that was set up, in order. */
  readonly onClose: (close: () => Promise<void>) => void;
}

/** Sees that there is a server, and starts a webhook receiver. */
export async function openStage({ folder, clockStart, onClose, url: given, ...rest }: StageOptions): Promise<Stage> {
  const url = given ?? (await ownServer({ folder, clockStart, onClose, key: rest.key }));
  const client = createClient({ url, key: rest.key });
  const receiver = await startReceiver();
  onClose(receiver.close);
  return { ...rest, url, client, receiver };
}

async function ownServer({
  folder,
  clockStart,
  onClose,
  key,
}: Pick<StageOptions, 'folder' | 'clockStart' | 'onClose' | 'key'>): Promise<string> {
  const server = await startServer(folder, {
    METERLINE_TEST_CLOCK: clockStart,
    METERLINE_WEBHOOK_ALLOW: 'loopback',
    METERLINE_ADMIN_KEY: key,
  });
  onClose(server.stop);
  return server.url;
}
