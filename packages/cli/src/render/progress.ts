import { clearLine, cursorTo } from 'node:readline';
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
  const format = `${label} {bar} {percentage}% {remark}`;
  const bar = new SingleBar({ format, stream, hideCursor: true, fps: 15, barsize: 30, linewrap: false }, Presets.shades_classic);
  bar.start(total, 0, { remark: '' });
  return {
    update: (done, remark = '') => bar.update(done, { remark }),
    note(text) {
      clearLine(stream, 0);
      cursorTo(stream, 0);
      stream.write(`${text}\n`);
      bar.render();
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
