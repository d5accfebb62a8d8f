import { hexWord } from './row-batch.ts';

const WORDS_PER_BLOCK = 16;
const BITS_PER_KEY = 32;
const FIRST_CAPACITY = 1 << 18;
const LARGEST_CAPACITY = 1 << 23;

interface Generation {
  readonly words: Uint32Array;
  readonly blocks: number;
  readonly capacity: number;
  keys: number;
  youngestMs: number;
}

/**
 * Says "surely never claimed" or "perhaps claimed" of an id hash (hex, 128 bits), at 4 bytes a key and about one false alarm in 50,000.
 * A blocked Bloom filter (one cache line a probe) in generations, so that ids older than the window can be forgotten.
 */
export class IdFilter {
  #generations: Generation[] = [newGeneration(FIRST_CAPACITY)];

  add(idHash: string, appendedAtMs: number): void {
    let current = this.#generations.at(-1);
    if (current === undefined || current.keys >= current.capacity) {
      current = newGeneration(Math.min((current?.capacity ?? FIRST_CAPACITY) * 2, LARGEST_CAPACITY));
      this.#generations.push(current);
    }
    current.keys += 1;
    if (appendedAtMs > current.youngestMs) current.youngestMs = appendedAtMs;
    setBits(current, idHash);
  }

  mayHave(idHash: string): boolean {
    return this.#generations.some((generation) => hasBits(generation, idHash));
  }

  /** Forgets generations whose youngest id is older. */
  forgetBefore(appendedAtMs: number): void {
    this.#generations = this.#generations.filter((generation, index) => {
      return index === this.#generations.length - 1 || generation.youngestMs >= appendedAtMs;
    });
  }

  get bytes(): number {
    return this.#generations.reduce((sum, { words }) => sum + words.byteLength, 0);
  }
}

function newGeneration(capacity: number): Generation {
  const blocks = Math.ceil((capacity * BITS_PER_KEY) / (WORDS_PER_BLOCK * 32));
  return { words: new Uint32Array(blocks * WORDS_PER_BLOCK), blocks, capacity, keys: 0, youngestMs: 0 };
}

/** A key's bits lie in one block: 9 hash bits each say which word and which bit of it. */
function setBits({ words, blocks }: Generation, idHash: string): void {
  const first = firstWord(idHash, blocks);
  for (let source = 8; source < 32; source += 8) {
    const bits = hexWord(idHash, source);
    for (let shift = 0; shift < 27; shift += 9) {
      const word = first + ((bits >>> (shift + 5)) & 15);
      words[word] = (words[word] ?? 0) | (1 << ((bits >>> shift) & 31));
    }
  }
}

function hasBits({ words, blocks }: Generation, idHash: string): boolean {
  const first = firstWord(idHash, blocks);
  for (let source = 8; source < 32; source += 8) {
    const bits = hexWord(idHash, source);
    for (let shift = 0; shift < 27; shift += 9) {
      const word = words[first + ((bits >>> (shift + 5)) & 15)] ?? 0;
      if ((word & (1 << ((bits >>> shift) & 31))) === 0) return false;
    }
  }
  return true;
}

function firstWord(idHash: string, blocks: number): number {
  return ((hexWord(idHash, 0) >>> 0) % blocks) * WORDS_PER_BLOCK;
}
