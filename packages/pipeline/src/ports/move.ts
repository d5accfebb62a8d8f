/** A record of the log as the usage store keeps it. */
export interface KeptRecord {
  readonly offset: number;
  readonly tenant: string;
  readonly appendedAtMs: number;
  readonly receivedAtMs: number;
  /** The record as it stood in the log, byte for byte. */
  readonly value: Uint8Array;
  /** Why it was refused, or null: it was accepted. */
  readonly refusedAs: string | null;
}

/** The log as it can be read back from usage, also long after the log itself forgot it. */
export interface KeptRecords {
  /** Everything kept of the offsets [from, to), in their order. */
  page(partition: number, from: number, to: number): Promise<KeptRecord[]>;
  /** Offsets of the accepted voids and replacements of a partition; every other accepted record is an event. */
  corrections(partition: number): Promise<ReadonlyMap<number, 'void' | 'replace'>>;
}
