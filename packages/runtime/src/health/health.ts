import type { HttpServer } from '../http/fastify.ts';

/** Resolves to why this part cannot work now, or to undefined if it can. Throwing counts as a reason. */
export type Probe = () => string | undefined | Promise<string | undefined>;

export interface Failing {
  readonly check: string;
  readonly reason: string;
}

export interface Health {
  /** Adds a named check; the returned function takes it out again. */
  add(check: string, probe: Probe): () => void;
  /** Checks that fail now; none = ready. A probe that takes longer than the limit fails. */
  failing(): Promise<Failing[]>;
}

export function createHealth(options: { readonly probeTimeoutMs?: number } = {}): Health {
  const probeTimeoutMs = options.probeTimeoutMs ?? 2_000;
  const probes = new Map<string, Probe>();
  return {
    add(check, probe) {
      probes.set(check, probe);
      return () => void probes.delete(check);
    },
    async failing() {
      const reasons = await Promise.all([...probes.values()].map((probe) => reasonOf(probe, probeTimeoutMs)));
      return [...probes.keys()].flatMap((check, index) => {
        const reason = reasons[index];
        return reason === undefined ? [] : [{ check, reason }];
      });
    },
  };
}

async function reasonOf(probe: Probe, timeoutMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${timeoutMs} ms`), timeoutMs);
  });
  try {
    return await Promise.race([Promise.resolve().then(probe), late]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}

/** `GET /healthz`: the process is alive. `GET /readyz`: 200, or 503 with every failing check and why. */
export function healthRoutes(server: HttpServer, health: Health): void {
  const options = { config: { scope: 'public' }, schema: { hide: true } } as const;
  server.get('/healthz', options, async () => ({ status: 'alive' }));
  server.get('/readyz', options, async (_request, reply) => {
    const failing = await health.failing();
    return reply.code(failing.length === 0 ? 200 : 503).send({ status: failing.length === 0 ? 'ready' : 'unready', failing });
  });
}
