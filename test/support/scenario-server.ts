import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { logTail, startServer } from '../../packages/cli/src/demo/server.ts';
import { type ScenarioTenant, scenarioTenant } from './scenario-tenant.ts';

const KEY = 'mk_test_scenario_scenarioscenario';

/** A standalone server of its own on a temporary folder, and its first tenant, whose clock the scenario moves. */
export interface ScenarioServer extends ScenarioTenant {
  readonly url: string;
  /** Of an administrator. */
  readonly key: string;
  /** Makes a tenant with a clock of its own, which begins there. */
  sandbox(key: string, clock: string): Promise<ScenarioTenant>;
  stop(): Promise<void>;
}

export interface ScenarioOptions {
  /** Where its clock stands (and ticks on from); it lives in real time unless given. */
  readonly now?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

export async function startScenario({ now, settings = {} }: ScenarioOptions = {}): Promise<ScenarioServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'meterline-scenario-'));
  const server = await startServer(folder, {
    ...(now !== undefined && { METERLINE_TEST_CLOCK: now }),
    METERLINE_ADMIN_KEY: KEY,
    ...settings,
  });
  const tenantOf = (key: string) => scenarioTenant({ url: server.url, key, logTail: () => logTail(folder) });
  const tenant = tenantOf(KEY);
  return {
    ...tenant,
    url: server.url,
    key: KEY,

    async sandbox(key, clock) {
      const { apiKey } = await tenant.call<{ apiKey: string }>('POST', '/v1/sandboxes', { key, name: key, clock });
      return tenantOf(apiKey);
    },

    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
