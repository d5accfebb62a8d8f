import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

export interface FailoverOptions {
  /** At least one, all http or all https. */
  readonly urls: readonly URL[];
  readonly connectTimeoutMs: number;
  /** How long a connection stays open unused. */
  readonly idleTimeoutMs: number;
  readonly connectionsMax: number;
}

/**
 * An agent whose connections go to the first of `urls` that accepts one, whichever host the request names, and stay with that server until it
 * refuses. A request fails to connect only if no server accepts within its time.
 */
export function createFailoverAgent({ urls, connectTimeoutMs, idleTimeoutMs, connectionsMax }: FailoverOptions): http.Agent {
  const isSecure = urls[0]?.protocol === 'https:';
  const agent = new (isSecure ? https : http).Agent({ keepAlive: true, maxSockets: connectionsMax, timeout: idleTimeoutMs });
  let current = 0;

  function dial(at: number): net.Socket {
    const { hostname, port } = urls[at % urls.length] as URL;
    const host = hostname.replace(/^\[|\]$/g, '');
    if (!isSecure) return net.connect({ host, port: Number(port || 80) });
    return tls.connect({ host, port: Number(port || 443), ...(net.isIP(host) === 0 ? { servername: host } : {}) });
  }

  function connect(at: number, triesLeft: number, done: (error: Error | null, socket?: net.Socket) => void): void {
    const socket = dial(at);
    const timer = setTimeout(() => socket.destroy(timeoutError(connectTimeoutMs)), connectTimeoutMs);
    const onError = (error: Error) => {
      clearTimeout(timer);
      if (triesLeft > 1) connect(at + 1, triesLeft - 1, done);
      else done(error);
    };
    socket.once('error', onError);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      current = at % urls.length;
      done(null, socket);
    });
  }

  // The callback form of Agent#createConnection: nothing is returned, the socket is handed over once it is connected.
  agent.createConnection = (_options, done) => {
    connect(current, urls.length, (error, socket) => done?.(error, socket as net.Socket));
    return undefined;
  };
  return agent;
}

function timeoutError(timeoutMs: number): Error {
  return Object.assign(new Error(`no connection within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
}
