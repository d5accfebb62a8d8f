/** Bytes drawn at a time: asking for 16 at every event costs more than all the rest of tracking it. */
const POOL_BYTES = 4_096;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Returns a source of UUIDs of version 7: the first 48 bits are the time, so that ids sort by when they were given. */
export function createEventIds(): (nowMs: number) => string {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;

  return (nowMs) => {
    if (used + 10 > POOL_BYTES) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    const hex = (mask = 0xff, bits = 0): string => HEX[((pool[used++] ?? 0) & mask) | bits] ?? '';
    const time = Math.floor(nowMs).toString(16).padStart(12, '0');
    const version = hex(0x0f, 0x70) + hex();
    const variant = hex(0x3f, 0x80) + hex();
    return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${variant}-${hex()}${hex()}${hex()}${hex()}${hex()}${hex()}`;
  };
}
