import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Addresses } from './names.ts';

export interface FreshPrefix {
  readonly prefix: string;
  /** Removes every key under it, as if that Redis had been lost. */
  clear(): Promise<void>;
}

/** A prefix of keys that nobody else uses, or the one given; `clear` it in the end. */
export function freshPrefix({ url }: Addresses['redis'], prefix = `meterline-test-${randomUUID().slice(0, 8)}`): FreshPrefix {
  return {
    prefix,
    async clear() {
      const client = new Redis(url);
      for await (const keys of client.scanStream({ match: `${prefix}*`, count: 1000 }) as AsyncIterable<string[]>) {
        if (keys.length > 0) await client.unlink(...keys);
      }
      await client.quit();
    },
  };
}
