import { readdirSync, readFileSync } from 'node:fs';

/** What runs in a cluster, and how its process is known. The first that matches, upwards from a process, names it. */
const PARTS = [
  ['aggregator', /services\/aggregator\//],
  ['ingest', /services\/ingest\//],
  ['rating-worker', /services\/rating-worker\//],
  ['api', /services\/api\//],
  ['clickhouse', /engines\/clickhouse\/main\.ts/],
  ['kafka', /kafka\.Kafka/],
  ['postgres', /(^|\/)postgres\b/],
  ['redis', /redis-server/],
  ['load', /bench\/(cluster\/feed|load)\.ts/],
] as const;

export type Part = (typeof PARTS)[number][0];

/** CPU milliseconds of each part since its processes began, and of each kind of thread within. */
export type CpuReading = ReadonlyMap<Part, { readonly totalMs: number; readonly byThread: ReadonlyMap<string, number> }>;

interface Stat {
  readonly name: string;
  readonly parent: number;
  readonly cpuMs: number;
}

/** Linux counts in ticks of 10 ms. */
const TICK_MS = 10;

/** CPU of this process's descendants. Linux only; elsewhere there is none to report. */
export function readCpu(): CpuReading {
  const stats = readStats();
  const readings = new Map<Part, { totalMs: number; byThread: Map<string, number> }>();
  for (const [pid, { cpuMs }] of stats) {
    const part = partOf(pid, stats);
    if (part === undefined) continue;
    const reading = readings.get(part) ?? { totalMs: 0, byThread: new Map<string, number>() };
    readings.set(part, reading);
    reading.totalMs += cpuMs;
    for (const thread of listOf(`/proc/${pid}/task`)) {
      const stat = statOf(`/proc/${pid}/task/${thread}`);
      if (stat === undefined) continue;
      const kind = Number(thread) === pid ? 'main' : stat.name;
      reading.byThread.set(kind, (reading.byThread.get(kind) ?? 0) + stat.cpuMs);
    }
  }
  return readings;
}

/** Resident memory of each part now, bytes, of this process's descendants. Linux only. */
export function readMemory(): ReadonlyMap<Part, number> {
  const memory = new Map<Part, number>();
  const stats = readStats();
  for (const pid of stats.keys()) {
    const part = partOf(pid, stats);
    const [, kilobytes = 0] = /^VmRSS:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`) ?? '') ?? [];
    if (part !== undefined) memory.set(part, (memory.get(part) ?? 0) + Number(kilobytes) * 1024);
  }
  return memory;
}

/** Microseconds of CPU for each of `events` between two readings. */
export function cpuBetween(before: CpuReading, after: CpuReading, events: number) {
  const per = (ms: number): number => Math.max(0, ms * 1000) / events;
  return {
    of: (part: Part): number => per((after.get(part)?.totalMs ?? 0) - (before.get(part)?.totalMs ?? 0)),
    ofThreads(part: Part, names: RegExp): number {
      const sum = (reading: CpuReading) =>
        [...(reading.get(part)?.byThread ?? [])].reduce((total, [name, ms]) => (names.test(name) ? total + ms : total), 0);
      return per(sum(after) - sum(before));
    },
  };
}

/** CPU milliseconds of everything that runs on this machine, since it began; NaN where it does not say. */
export function machineCpuMs(): number {
  const [, user, nice, system, , , irq, softirq] = (textOf('/proc/stat')?.split('\n')[0] ?? '').split(/\s+/).map(Number);
  return [user, nice, system, irq, softirq].reduce<number>((sum, ticks) => sum + (ticks ?? Number.NaN), 0) * TICK_MS;
}

function readStats(): ReadonlyMap<number, Stat> {
  const stats = new Map<number, Stat>();
  for (const entry of listOf('/proc')) {
    const stat = /^\d+$/.test(entry) ? statOf(`/proc/${entry}`) : undefined;
    if (stat !== undefined) stats.set(Number(entry), stat);
  }
  return stats;
}

function partOf(pid: number, stats: ReadonlyMap<number, Stat>): Part | undefined {
  let part: Part | undefined;
  for (let at = pid; at !== process.pid; at = stats.get(at)?.parent ?? 0) {
    if (at <= 1) return undefined;
    const command = textOf(`/proc/${at}/cmdline`)?.replaceAll('\0', ' ') ?? '';
    part ??= PARTS.find(([, pattern]) => pattern.test(command))?.[0];
  }
  return part;
}

function statOf(folder: string): Stat | undefined {
  // The name stands in parentheses and may hold spaces.
  const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(textOf(`${folder}/stat`) ?? '') ?? [];
  if (name === undefined || rest === undefined) return undefined;
  const fields = rest.split(' ');
  return { name, parent: Number(fields[1]), cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
}

/** What ended meanwhile, or a machine without /proc, has nothing to read. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
