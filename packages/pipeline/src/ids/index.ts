const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A new identifier such as `sub_01jd8v2m3k7w9x0a1b2c3d4e5f`: 10 characters of time (so that ids sort by age), 16 of randomness
 * (80 bits, from the system's secure source), both in Crockford's base 32.
 */
export function newId(prefix: string, nowMs: number): string {
  let text = '';
  for (let rest = nowMs, i = 0; i < 10; i += 1, rest = Math.floor(rest / 32)) text = ALPHABET.charAt(rest % 32) + text;
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) text += ALPHABET.charAt(byte & 31);
  return `${prefix}_${text}`;
}
