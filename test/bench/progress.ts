/** A one-line progress bar on a terminal; elsewhere a line at the end only. */
export function progress(label: string, total: number): { at(done: number): void; end(): void } {
  const startedMs = performance.now();
  const show = process.stdout.isTTY;
  let last = 0;
  return {
    at(done) {
      last = done;
      if (!show) return;
      const width = 30;
      const filled = Math.round((Math.min(done, total) / total) * width);
      const rate = Math.round((done * 1000) / (performance.now() - startedMs));
      process.stdout.write(
        `\r${label.padEnd(34)} [${'='.repeat(filled)}${' '.repeat(width - filled)}] ${done.toLocaleString('en')}  ${rate.toLocaleString('en')}/s   `,
      );
    },
    end() {
      this.at(Math.max(last, total));
      const seconds = (performance.now() - startedMs) / 1000;
      process.stdout.write(show ? '\n' : `${label}: ${total.toLocaleString('en')} in ${seconds.toFixed(1)} s\n`);
    },
  };
}
