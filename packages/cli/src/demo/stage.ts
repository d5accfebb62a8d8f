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
  /** Told how to undo each thing that was set up, in order. */
  readonly onClose: (close: () => Promise<void>) => void;
}

/** Starts a server of the demo's own, and a webhook receiver. */
export async function openStage({ folder, clockStart, onClose, ...given }: StageOptions): Promise<Stage> {
  const server = await startServer(folder, {
    METERLINE_TEST_CLOCK: clockStart,
    METERLINE_WEBHOOK_ALLOW: 'loopback',
    METERLINE_ADMIN_KEY: given.key,
  });
  onClose(server.stop);
  const client = createClient({ url: server.url, key: given.key });
  const receiver = await startReceiver();
  onClose(receiver.close);
  return { ...given, url: server.url, client, receiver };
}
