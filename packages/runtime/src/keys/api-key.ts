import { createHash, randomBytes } from 'node:crypto';

/** `mk_<env>_<id>_<secret>`: the id finds the key, the secret proves it. Only a SHA-256 of the secret is stored. */
export interface ParsedApiKey {
  readonly env: string;
  readonly id: string;
  readonly secret: string;
}

export interface GeneratedApiKey {
  readonly id: string;
  /** Shown to its owner once, never stored. */
  readonly token: string;
  readonly secretHash: Uint8Array;
}

const FORM = /^mk_([a-z0-9]{1,16})_([0-9A-Za-z]{1,64})_([0-9A-Za-z_-]{8,256})$/;
/** What an operator may preset as a key of its own making: its id is derived from it. */
const PRESET = /^(?!mk_)[\x21-\x7e]{16,256}$/;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 43 characters of 62 carry 256 bits: enough that a fast hash is safe. */
const SECRET_CHARS = 43;
const ID_CHARS = 16;

/** A new key; `env` such as `live` or `test`, lower-case letters and digits. */
export function generateApiKey(env: string): GeneratedApiKey {
  const id = randomText(ID_CHARS);
  const secret = randomText(SECRET_CHARS);
  return { id, token: `mk_${env}_${id}_${secret}`, secretHash: hashSecret(secret) };
}

/** The parts of a key, or undefined if the text has neither our form nor that of a preset key. */
export function parseApiKey(token: string): ParsedApiKey | undefined {
  const [, env, id, secret] = FORM.exec(token) ?? [];
  if (env !== undefined && id !== undefined && secret !== undefined) return { env, id, secret };
  return PRESET.test(token) ? { env: 'preset', id: `preset${hashHex(token).slice(0, 32)}`, secret: token } : undefined;
}

/** 32 bytes. */
export function hashSecret(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}

function hashHex(text: string): string {
  return createHash('sha256').update(`id of ${text}`).digest('hex');
}

function randomText(chars: number): string {
  let text = '';
  while (text.length < chars) {
    // Bytes from 248 on are thrown away: 248 = 4 * 62, so the rest is even.
    for (const byte of randomBytes(chars)) if (byte < 248 && text.length < chars) text += ALPHABET.charAt(byte % 62);
  }
  return text;
}
