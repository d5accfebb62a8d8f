import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** What has come half by then may still become a request. */
const GRACE_MS = 500;

/**
 * Node's server does not close while a connection is open on which no request was ever sent, and clients and load balancers open such in advance.
 * Answers how to end them once the server closes; connections with a request being served are left to end with its answer.
 */
export function watchSilentConnections(server: Server): { closeSoon(): void } {
  const silent = new Set<Socket>();
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    silent.delete(socket);
    response.once('close', () => !socket.destroyed && silent.add(socket));
  });
  return {
    closeSoon() {
      setTimeout(() => silent.forEach((socket) => socket.destroy()), GRACE_MS).unref();
    },
  };
}
