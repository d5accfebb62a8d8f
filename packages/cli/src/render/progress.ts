import { Presets, SingleBar } from 'cli-progress';
import type { Terminal } from '../terminal.ts';

export interface Progress {
  /** `remark` stands behind the bar. */
  update(done: number, remark?: string): void;
  /** A line above the bar. */
  note(text: string): void;
  stop(): void;
}

/** Where no bar can move, so many lines tell of it instead. */
const QUARTERS = 4;

/** A bar at a terminal, a few lines elsewhere. `stop` must be called. */
export function startProgress(terminal: Terminal, label: string, total: number): Progress {
  return terminal.bars === undefined ? plainProgress(terminal, label, total) : barProgress(terminal.bars, label, total);
}

function barProgress(stream: NodeJS.WriteStream, label: string, total: number): Progress {
  // Without graceful exit, which would keep Ctrl-C from ending the command, the terminal must stay as it is.
  const options = { stream, fps: 15, barsize: 30, gracefulExit: false, hideCursor: false, linewrap: true, clearOnComplete: true };
  const bar = new SingleBar({ ...options, format: `${label} {bar} {percentage}% {remark}` }, Presets.shades_classic);
  let now = { done: 0, remark: '' };
  const start = () => bar.start(total, now.done, { remark: now.remark });
  start();
  return {
    update(done, remark = '') {
      now = { done, remark };
      bar.update(done, { remark });
    },
    note(text) {
      // The bar goes by a cursor position of its own: it makes room by ending, and begins anew below.
      bar.stop();
      stream.write(`${text}\n`);
      start();
    },
    stop: () => bar.stop(),
  };
}

function plainProgress(terminal: Terminal, label: string, total: number): Progress {
  let told = 0;
  return {
    update(done, remark = '') {
      const quarter = total === 0 ? QUARTERS : Math.floor((done / total) * QUARTERS);
      if (quarter <= told) return;
      told = quarter;
      terminal.tell(`${label} ${Math.min(100, (quarter * 100) / QUARTERS)}% ${remark}`.trimEnd());
    },
    note: (text) => terminal.tell(text),
    stop: () => undefined,
  };
}
