import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, LeaseWatch, ServiceName } from '../../cluster/index.ts';
import type { Act } from './plan.ts';

/** What was done so far. */
export interface Tally {
  /** By what was killed. */
  readonly kills: Map<string, number>;
  /** Milliseconds until another aggregator committed for one that was killed, and for one that was frozen. */
  readonly takeoversMs: { readonly killed: number[]; readonly frozen: number[] };
  /** Partitions that had another leader then. */
  partitionsTaken: number;
  freezes: number;
  /** Processes that could not start, as an engine was down or cut off, and were started once more. */
  failedStarts: number;
  /** Connections that were reset half way. */
  cuts: number;
}

export function createTally(): Tally {
  return { kills: new Map(), takeoversMs: { killed: [], frozen: [] }, partitionsTaken: 0, freezes: 0, failedStarts: 0, cuts: 0 };
}

const CUT_MS_MAX = 4_000;
const START_MS_MAX = 60_000;
/** What came between two acts is committed by then, as a rule. */
const BETWEEN_MS = 500;

interface Stage {
  readonly cluster: Cluster;
  readonly leases: LeaseWatch;
  readonly tally: Tally;
  readonly freezeMs: number;
  readonly onProgress: (what: string) => void;
}

export const killsOf = ({ kills }: Tally): number => [...kills.values()].reduce((sum, count) => sum + count, 0);

/** Does it, and mends it; the cluster is whole again when this resolves. */
export async function perform(act: Act, stage: Stage): Promise<void> {
  await work(act, stage);
  await sleep(BETWEEN_MS);
}

async function work(act: Act, stage: Stage): Promise<void> {
  const { cluster, leases, tally, onProgress } = stage;
  switch (act.kind) {
    case 'kill': {
      await cluster.kill(act.service, act.index);
      count(tally, act.service);
      onProgress(`${act.service} killed`);
      await startAgain(stage, act.service, act.index);
      return;
    }
    case 'kill aggregator': {
      const pid = cluster.pid('aggregator', act.index) ?? 0;
      if (act.whenLeading) await leases.leading(pid);
      await cluster.kill('aggregator', act.index);
      const startedMs = performance.now();
      count(tally, 'aggregator');
      onProgress('aggregator killed');
      await waitForTakeover(stage, pid, startedMs, 'killed');
      await startAgain(stage, 'aggregator', act.index);
      return;
    }
    case 'kill engine': {
      const engine = cluster.engines[act.engine];
      await engine.kill(act.index);
      count(tally, act.engine === 'kafka' ? 'Kafka broker' : act.engine);
      onProgress(`${act.engine} killed`);
      await sleep(act.downMs);
      await engine.start(act.index);
      return;
    }
    case 'freeze': {
      const pid = cluster.pid(act.service, act.index) ?? 0;
      if (act.service === 'aggregator') await leases.leading(pid);
      const startedMs = performance.now();
      cluster.pause(act.service, act.index);
      tally.freezes += 1;
      onProgress(`${act.service} frozen`);
      if (act.service === 'aggregator') await waitForTakeover(stage, pid, startedMs, 'frozen');
      await sleep(Math.max(0, startedMs + stage.freezeMs - performance.now()));
      cluster.resume(act.service, act.index);
      return;
    }
    case 'cut': {
      const { links } = cluster.engines[act.engine];
      const before = links.reduce((sum, link) => sum + link.brokenConnections, 0);
      for (const link of links) link.set({ kind: act.fault, afterBytes: act.afterBytes }, act.times);
      onProgress(`connections to ${act.engine} cut`);
      await sleep(CUT_MS_MAX);
      for (const link of links) link.set({ kind: 'none' });
      tally.cuts += links.reduce((sum, link) => sum + link.brokenConnections, 0) - before;
      return;
    }
  }
}

/** As a supervisor does: a service that finds an engine missing at its start says so and ends. */
async function startAgain({ cluster, tally, onProgress }: Stage, service: ServiceName, index: number): Promise<void> {
  const giveUpMs = performance.now() + START_MS_MAX;
  for (;;) {
    try {
      await cluster.start(service, index);
      return;
    } catch (error) {
      if (cluster.isRunning(service, index) || performance.now() > giveUpMs) throw error;
      tally.failedStarts += 1;
      onProgress(`${service} could not start`);
      await sleep(BETWEEN_MS);
    }
  }
}

async function waitForTakeover({ leases, tally }: Stage, pid: number, startedMs: number, how: 'killed' | 'frozen') {
  const held = await leases.heldBy(pid);
  if (held.size === 0) return;
  await leases.takenOver(held, pid);
  tally.takeoversMs[how].push(performance.now() - startedMs);
  tally.partitionsTaken += held.size;
}

function count({ kills }: Tally, what: string): void {
  kills.set(what, (kills.get(what) ?? 0) + 1);
}
