import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

export interface BrokerProcess {
  /** Resolves when the broker says that it has started; fails if it ends before. */
  readonly started: Promise<void>;
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
}

/** Ends the broker when its standard input closes: also when this process is killed. */
const TIED_TO_PARENT =
  '"$@" 2>&1 & broker=$!; echo "pid $broker"; exec >/dev/null; cat; kill -9 $broker 2>/dev/null; wait $broker';

const JVM = ['-Xmx384m', '-Xms64m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];
const LOGGING = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=info', '-Dorg.slf4j.simpleLogger.logFile=System.out'];

/** Starts Java with a class of Kafka's jars; what it prints goes to `logFile`. */
export function startBroker(jars: string, mainClass: string, args: readonly string[], logFile: string): BrokerProcess {
  const java = ['java', ...JVM, ...LOGGING, '-cp', `${jars}/*`, mainClass, ...args];
  const child = spawn('sh', ['-c', TIED_TO_PARENT, 'sh', ...java], { stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = once(child, 'close').then(() => undefined);
  const started = Promise.withResolvers<void>();
  started.promise.catch(() => undefined);
  const log = createWriteStream(logFile, { flags: 'a' });
  let pid = 0;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    pid ||= Number(/^pid (\d+)$/.exec(line)?.[1] ?? 0);
    log.write(`${line}\n`);
    if (line.includes('Kafka Server started')) started.resolve();
  });
  lines.once('close', () => {
    // Its output ends with it: the shell has nothing left to wait for.
    child.stdin.end();
    log.end();
    started.reject(new Error(`the broker ended; see ${logFile}`));
  });
  return {
    started: started.promise,
    exited,
    signal(name) {
      if (pid === 0) throw new Error('the broker has not said its process id yet');
      process.kill(pid, name);
    },
  };
}
