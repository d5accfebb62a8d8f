import { Fault } from '@meterline/domain/faults';
import type { NewRecord } from './append.ts';
import { isAttribute, isObject } from './event-check.ts';
import type { ReadEvents } from './request-body.ts';

/**
 * The source an event id stands for, which picks its partition. Looked up when not given: `event.unknown` if there is none,
 * `event.source_ambiguous` if there are several.
 */
export async function sourceOfEvent(
  id: string,
  given: string | undefined,
  lookUp: () => Promise<readonly string[]>,
): Promise<string> {
  requireAttribute('id', id);
  if (given !== undefined) return requireAttribute('source', given);
  const [source, ...others] = await lookUp();
  if (source === undefined) {
    throw new Fault(
      'not_found',
      'event.unknown',
      `There is no event "${id}". If it was sent just now, name its source or try again.`,
    );
  }
  if (others.length > 0) {
    const errors = [
      { path: 'source', message: `must be one of ${[source, ...others].map((name) => JSON.stringify(name)).join(', ')}` },
    ];
    throw new Fault('conflict', 'event.source_ambiguous', `Several sources sent an event "${id}": name the source.`, { errors });
  }
  return source;
}

export function voidRecord(id: string, source: string): NewRecord {
  return { kind: 'void', source, id, value: Buffer.from(JSON.stringify({ id, source })) };
}

/** The event that takes the place of event `id`: the one in the body, its id and source filled in. Not checked yet otherwise. */
export async function replacementOf(id: string, body: ReadEvents, lookUp: () => Promise<readonly string[]>): Promise<unknown> {
  const [event] = body.events;
  if (!body.isSingle || !isObject(event))
    throw new Fault('invalid', 'request.not_events', 'The body must be one event (a JSON object).');
  if (event['id'] !== undefined && event['id'] !== id) {
    const errors = [{ path: 'id', message: 'must be the id in the path, or absent' }];
    throw new Fault('invalid', 'event.id_mismatch', 'The body has another id than the path.', { errors });
  }
  // A source of another type is left for the check to name.
  if (event['source'] !== undefined && typeof event['source'] !== 'string') return { ...event, id };
  return { ...event, id, source: await sourceOfEvent(id, event['source'], lookUp) };
}

function requireAttribute(name: string, value: string): string {
  if (isAttribute(value)) return value;
  const errors = [{ path: name, message: 'must be 1 to 256 characters without control characters' }];
  throw new Fault('invalid', 'request.invalid', `The ${name} is not valid.`, { errors });
}
