import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { EVENT_MEDIA_TYPES } from '@meterline/composition/event-contract';
import { Fault } from '@meterline/domain/faults';
import { decodeUtf8, HttpFault, jsonSyntaxReason } from '@meterline/runtime/http';
import { isObject } from './event-check.ts';
import { parseExactJson } from './exact-json.ts';
import type { EventFault } from './event-faults.ts';

const inflate = promisify(gunzip);

/** What a request carried: events in order, not checked yet. */
export interface ReadEvents {
  /** True when the client sent one event rather than a list of one. */
  readonly isSingle: boolean;
  readonly events: readonly unknown[];
}

/** Stands for a line that could not even be parsed. */
export class UnreadableLine {
  readonly fault: EventFault;
  constructor(fault: EventFault) {
    this.fault = fault;
  }
}

/** Fails with 415 for every Content-Encoding but gzip and identity. */
export function checkEncoding(encoding: string | undefined): void {
  if (encoding === undefined || /^(?:identity|x?-?gzip)$/i.test(encoding.trim())) return;
  throw new HttpFault(415, 'request.unsupported_encoding', 'Content-Encoding must be gzip or absent.');
}

/** Unpacks gzip, never further than `bytesMax`. */
export async function unpack(body: Buffer, encoding: string | undefined, bytesMax: number): Promise<Buffer> {
  if (encoding === undefined || /^identity$/i.test(encoding.trim())) return body;
  try {
    return await inflate(body, { maxOutputLength: bytesMax });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Fault('too_large', 'request.body_too_large', `The unpacked body is larger than ${bytesMax} bytes.`, { cause });
    }
    throw new Fault('invalid', 'request.malformed_gzip', 'The body is not valid gzip.', { cause });
  }
}

/** Reads a body of one of EVENT_MEDIA_TYPES (without parameters). Wrong JSON fails as a whole, except line by line. */
export function readEvents(body: Buffer, mediaType: string): ReadEvents {
  if (mediaType === EVENT_MEDIA_TYPES.lines) return { isSingle: false, events: readLines(body) };
  const value = parseWhole(decodeUtf8(body));
  const wantsList = mediaType === EVENT_MEDIA_TYPES.batch;
  if (Array.isArray(value) && mediaType !== EVENT_MEDIA_TYPES.one) return { isSingle: false, events: value };
  if (isObject(value) && !wantsList) return { isSingle: true, events: [value] };
  const expected = { [EVENT_MEDIA_TYPES.one]: 'one event (a JSON object)', [EVENT_MEDIA_TYPES.batch]: 'a JSON array of events' }[
    mediaType
  ];
  throw new Fault(
    'invalid',
    'request.not_events',
    `The body must be ${expected ?? 'an event (a JSON object) or a JSON array of events'}.`,
  );
}

function parseWhole(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('invalid', 'request.malformed_json', `The body is not JSON: ${jsonSyntaxReason(error)}.`, { cause: error });
  }
}

const LINE_FEED = 0x0a;

function readLines(body: Buffer): unknown[] {
  let text: string;
  try {
    text = decodeUtf8(body);
  } catch {
    // One bad line must not lose the others: each is decoded on its own.
    return splitLines(body).map(readLineBytes);
  }
  const events: unknown[] = [];
  for (const line of text.split('\n')) if (!isBlank(line)) events.push(readLine(line));
  return events;
}

function splitLines(body: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < body.length;) {
    const end = body.indexOf(LINE_FEED, from);
    const line = body.subarray(from, end === -1 ? body.length : end);
    if (!isBlank(line.toString('latin1'))) lines.push(line);
    from = end === -1 ? body.length : end + 1;
  }
  return lines;
}

function isBlank(line: string): boolean {
  return line === '' || line === '\r' || line.trim() === '';
}

function readLineBytes(line: Buffer): unknown {
  try {
    return readLine(decodeUtf8(line));
  } catch {
    return new UnreadableLine({ code: 'event.invalid_utf8', path: '', message: 'the line is not valid UTF-8' });
  }
}

function readLine(line: string): unknown {
  try {
    return parseExactJson(line);
  } catch (error) {
    if (error instanceof Fault)
      return new UnreadableLine({ code: 'event.data_too_deep', path: '', message: 'the line is nested too deep' });
    return new UnreadableLine({
      code: 'event.malformed_json',
      path: '',
      message: `the line is not JSON: ${jsonSyntaxReason(error)}`,
    });
  }
}
