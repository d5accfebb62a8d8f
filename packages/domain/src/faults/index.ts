export type FaultKind =
  'invalid' | 'unauthorized' | 'forbidden' | 'not_found' | 'conflict' | 'gone' | 'too_large' | 'overloaded' | 'unavailable';

export interface FaultDetail {
  /** Where in the input: `rateCards[0].price.tiers[1].upTo`. */
  readonly path: string;
  readonly message: string;
}

/**
 * An error with a stable code (`meter.key_taken`) that its cause can act on; `message` is safe to show to them.
 * Anything thrown that is not a Fault is a defect or an outage and is answered without details.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly kind: FaultKind;
  readonly code: string;
  readonly errors: readonly FaultDetail[];
  /** For `overloaded` and `unavailable`: when to come back. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    kind: FaultKind,
    code: string,
    message: string,
    options: { errors?: readonly FaultDetail[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
