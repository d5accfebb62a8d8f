/**
 * What went wrong:
 * - `option_invalid`: thrown by the constructor, the only place that throws.
 * - `event_invalid`: the event cannot be sent as it is (no subject, data that is not JSON); dropped.
 * - `event_rejected`: the server refused single events of a batch; see `rejections`.
 * - `unavailable`: network error, timeout, overload or fault of the server; tried again.
 * - `unauthorized`: key refused (401, 403); tried again slowly.
 * - `answer_invalid`: something that is not Meterline answered with success; tried again.
 * - `batch_refused`: the server refused the whole request (400, 404 and the like); dropped.
 * - `event_too_large`: the server refused a single event for its size; dropped.
 * - `check_refused`: there is no such customer or feature, so that an entitlement could not be checked.
 */
export type MeterlineErrorCode =
  | 'option_invalid'
  | 'event_invalid'
  | 'event_rejected'
  | 'unavailable'
  | 'unauthorized'
  | 'answer_invalid'
  | 'batch_refused'
  | 'event_too_large'
  | 'check_refused';

/** A single event that the server refused, with the server's code and message. */
export interface Rejection {
  readonly id: string;
  readonly code: string;
  readonly message: string;
}

export class MeterlineError extends Error {
  override readonly name = 'MeterlineError';
  readonly code: MeterlineErrorCode;
  /** HTTP status, when there was an answer. */
  readonly status: number | undefined;
  /** Empty unless the code is `event_rejected`. */
  readonly rejections: readonly Rejection[];

  constructor(
    code: MeterlineErrorCode,
    message: string,
    details: { status?: number; rejections?: readonly Rejection[]; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.rejections = details.rejections ?? [];
  }
}
