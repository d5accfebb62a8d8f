import type { DecodedRecord } from '../aggregation/decode.ts';
import type { RecordKind } from '../ports/event-log.ts';
import type { AcceptanceWindow } from '../ports/segment-ledger.ts';
import type { IdClaim } from '../ports/usage-store.ts';

/**
 * The usage store does not say whether a refused record was an event, a void or a replacement. This is a kind that is refused for the same reason
 * again, given the claims on its id from before it: refused records leave nothing else behind, so that is as good as the original one.
 */
export function kindOfRefused(
  refusedAs: string,
  record: Pick<DecodedRecord, 'event' | 'payloadHash' | 'appendedAtMs' | 'receivedAtMs'>,
  claims: readonly IdClaim[],
  { pastMs, futureMs }: AcceptanceWindow,
): RecordKind {
  const known = claims.filter((claim) => claim.appendedAtMs >= record.appendedAtMs - pastMs - futureMs);
  switch (refusedAs) {
    case 'event.already_void':
      return 'void';
    case 'event.unknown':
      return record.event === null ? 'void' : 'replace';
    case 'event.malformed':
    case 'event.conflict':
    case 'event.too_old':
    case 'event.in_future':
      return 'event';
    case 'event.duplicate':
      return known.some(({ kind, payloadHash }) => kind !== 'void' && payloadHash === record.payloadHash) ? 'event' : 'replace';
    // A rule of a meter: an event is held against those only if its id is new and its time acceptable.
    default:
      return known.length === 0 && isAcceptable(record, { pastMs, futureMs }) ? 'event' : 'replace';
  }
}

/** Reasons that depend on what came before under the same id. */
export function dependsOnClaims(refusedAs: string): boolean {
  return refusedAs === 'event.duplicate' || !refusedAs.startsWith('event.');
}

function isAcceptable(
  { event, receivedAtMs }: Pick<DecodedRecord, 'event' | 'receivedAtMs'>,
  { pastMs, futureMs }: AcceptanceWindow,
): boolean {
  return event !== null && event.timeMs >= receivedAtMs - pastMs && event.timeMs <= receivedAtMs + futureMs;
}
