import { Fault } from '@meterline/domain/faults';

const EARLIEST_MS = Date.UTC(2000, 0);
const LATEST_MS = Date.UTC(2100, 0);

/** Far enough for any contract, and nothing that a table or another program could not hold. Fails with `clock.out_of_range`. */
export function requireInRange(atMs: number, path: string): void {
  if (atMs >= EARLIEST_MS && atMs < LATEST_MS) return;
  const message = 'must be from 2000 to 2099';
  throw new Fault('invalid', 'clock.out_of_range', `A sandbox lives in the years 2000 to 2099.`, { errors: [{ path, message }] });
}
