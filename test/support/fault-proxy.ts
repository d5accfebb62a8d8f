import { once } from 'node:events';
import net from 'node:net';

/** What happens to bytes on their way. Counts begin anew, for each connection, when the fault is set. */
export type LinkFault =
  | { readonly kind: 'none' }
  /** New connections are reset at once, and so are open ones. */
  | { readonly kind: 'refuse' }
  /** The server gets the first bytes a client sends, then both ends are reset. */
  | { readonly kind: 'cut_request'; readonly afterBytes: number }
  /** The server gets everything; once it answers, the client gets the first bytes of that, then both ends are reset. */
  | { readonly kind: 'cut_response'; readonly afterBytes: number }
  /** Nothing gets through either way, and nobody is told. */
  | { readonly kind: 'hold' }
  /** Every piece, in both directions, comes later. */
  | { readonly kind: 'delay'; readonly delayMs: number };

export interface FaultProxy {
  readonly port: number;
  /** Connections that a cut or a refusal has ended so far. */
  readonly brokenConnections: number;
  /** From now on, also for open connections. `times`: how many connections it breaks before the link is sound again. */
  set(fault: LinkFault, times?: number): void;
  /** Resolves when a cut or a refusal has ended one more connection. */
  nextBreak(): Promise<void>;
  close(): Promise<void>;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/** A TCP proxy in front of any engine, whose link can be made bad. It knows nothing of protocols. */
export async function startFaultProxy(target: Target): Promise<FaultProxy> {
  const links = new Set<Link>();
  let fault: LinkFault = { kind: 'none' };
  let timesLeft = Infinity;
  let brokenConnections = 0;
  let waiting: (() => void)[] = [];

  const current = (): LinkFault => fault;
  const onBroken = (): void => {
    brokenConnections += 1;
    timesLeft -= 1;
    if (timesLeft <= 0) fault = { kind: 'none' };
    for (const resolve of waiting.splice(0)) resolve();
  };
  const server = net.createServer((client) => {
    if (fault.kind === 'refuse') {
      client.resetAndDestroy();
      onBroken();
      return;
    }
    const link = openLink(client, target, current, onBroken);
    links.add(link);
    client.once('close', () => links.delete(link));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;

  return {
    port,
    get brokenConnections() {
      return brokenConnections;
    },
    set(next, times = Infinity) {
      fault = next;
      timesLeft = times;
      for (const link of links) {
        link.restart();
        if (next.kind === 'refuse') link.cut();
      }
    },
    nextBreak: () => new Promise((resolve) => waiting.push(resolve)),
    async close() {
      waiting = [];
      for (const link of links) link.end();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Link {
  /** Counts from zero, and lets go what was held. */
  restart(): void;
  cut(): void;
  end(): void;
}

function openLink(client: net.Socket, target: Target, current: () => LinkFault, onBroken: () => void): Link {
  const upstream = net.connect(target);
  const sockets = [client, upstream];
  const passed = { request: 0, response: 0 };
  let isCut = false;

  const end = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  function cut(): void {
    if (isCut) return;
    isCut = true;
    for (const socket of sockets) socket.resetAndDestroy();
    onBroken();
  }

  function forward(from: net.Socket, to: net.Socket, direction: 'request' | 'response'): void {
    from.on('data', (chunk) => {
      const fault = current();
      if (fault.kind === 'hold') {
        from.pause();
        from.unshift(chunk);
        return;
      }
      if (fault.kind === 'delay') {
        // One piece at a time, so that the order stays.
        from.pause();
        setTimeout(() => {
          to.write(chunk);
          from.resume();
        }, fault.delayMs);
        return;
      }
      const isCutHere = fault.kind === 'cut_request' ? direction === 'request' : direction === 'response';
      if (!('afterBytes' in fault) || !isCutHere) {
        if (!to.write(chunk)) from.pause();
        return;
      }
      const room = Math.max(fault.afterBytes - passed[direction], 0);
      passed[direction] += chunk.length;
      if (chunk.length <= room && room > 0) return void to.write(chunk);
      // The reset must not overtake the bytes before it.
      if (room > 0) to.write(chunk.subarray(0, room), cut);
      else cut();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    from.on('error', end).on('close', end);
  }
  forward(client, upstream, 'request');
  forward(upstream, client, 'response');

  return {
    restart() {
      passed.request = 0;
      passed.response = 0;
      for (const socket of sockets) socket.resume();
    },
    cut,
    end,
  };
}
