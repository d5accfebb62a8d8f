/** At most `limit` items whose key (or id) sorts after `after`. */
export interface PageRequest {
  readonly after: string | null;
  readonly limit: number;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** The `after` of the next page, or null at the end. */
  readonly nextAfter: string | null;
}
