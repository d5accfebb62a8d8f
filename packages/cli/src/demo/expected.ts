import type { Call } from './trace.ts';

/** Computed independently of this project, from the trace and the card. */
export const EXPECTED = {
  calls: '19366',
  inputTokens: '22361870',
  outputTokens: '4088665',
  busiestMinute: { from: '2023-11-16T18:43:00Z', calls: '502' },
  lines: { base: '49.00', calls: '29.37', input_tokens: '33.40', output_tokens: '36.90' },
  total: '148.67',
} as const;

// In ten-millionths of a dollar, the finest price on the card (0.0025 per 1,000 tokens is 25 of them per token).
const CENT = 100_000n;
const BASE = 490_000_000n;

/** How many calls it takes until spend reaches each amount (in cents), or undefined where it never does: the card in plain integers. */
export function callsUntil(trace: readonly Call[], amountsCents: readonly bigint[]): (number | undefined)[] {
  const counts: (number | undefined)[] = amountsCents.map(() => undefined);
  let input = 0n;
  let output = 0n;
  for (const [index, call] of trace.entries()) {
    input += BigInt(call.inputTokens);
    output += BigInt(call.outputTokens);
    const spent = cents(BASE) + cents(callsPrice(BigInt(index + 1))) + cents(inputPrice(input)) + cents(outputPrice(output));
    for (const [position, amount] of amountsCents.entries()) if (spent >= amount) counts[position] ??= index + 1;
  }
  return counts;
}

function cents(amount: bigint): bigint {
  return (amount + CENT / 2n) / CENT;
}

function callsPrice(calls: bigint): bigint {
  return within(calls, 0n, 5_000n) * 20_000n + within(calls, 5_000n, 15_000n) * 15_000n + within(calls, 15_000n) * 10_000n;
}

function inputPrice(tokens: bigint): bigint {
  const overage = within(tokens, 10_000_000n);
  return within(overage, 0n, 5_000_000n) * 30n + within(overage, 5_000_000n) * 25n;
}

function outputPrice(tokens: bigint): bigint {
  return ((tokens + 99_999n) / 100_000n) * 9_000_000n;
}

function within(quantity: bigint, lower: bigint, upper = quantity): bigint {
  const capped = quantity < upper ? quantity : upper;
  return capped > lower ? capped - lower : 0n;
}
