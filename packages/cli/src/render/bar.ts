const WIDTH = 30;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A percentage as a bar of eighths of a cell; what is above 100 ends in an arrow. Percentages are decimal text. */
export function percentBar(percent: string): string {
  const [wholePart = '0', fraction = '0'] = percent.split('.');
  const thousandths = BigInt(wholePart) * 1000n + BigInt(fraction.padEnd(3, '0').slice(0, 3));
  if (thousandths > 100_000n) return `${'█'.repeat(WIDTH)}▶`;
  const eighths = Number((thousandths * BigInt(WIDTH * 8)) / 100_000n);
  const filled = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
  return filled.padEnd(WIDTH, '░');
}
