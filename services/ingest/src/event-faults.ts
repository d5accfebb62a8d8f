import { parseInstantMs } from '@meterline/domain/time';
import * as check from './event-check.ts';

/** One thing wrong with one event. `path` is the attribute. */
export interface EventFault {
  readonly code: string;
  readonly path: string;
  readonly message: string;
}

const fault = (code: string, path: string, message: string): EventFault => ({ code: `event.${code}`, path, message });

/** Everything wrong with an event that `checkEvent` refused, at least one fault. The slow path. */
export function eventFaults(input: unknown, window: check.TimeWindow): EventFault[] {
  if (!check.isObject(input)) return [fault('not_object', '', 'an event must be a JSON object')];
  return [
    ...specversionFaults(input['specversion']),
    ...['id', 'source', 'type', 'subject'].flatMap((name) => attributeFaults(name, input[name])),
    ...timeFaults(input['time'], window),
    ...contentFaults(input),
    ...dataFaults(input['data']),
    ...Object.keys(input).flatMap((name) => extensionFaults(name, input[name])),
  ];
}

function specversionFaults(value: unknown): EventFault[] {
  if (value === undefined || value === '1.0') return [];
  return [fault('unsupported_specversion', 'specversion', 'specversion must be "1.0"')];
}

function attributeFaults(name: string, value: unknown): EventFault[] {
  if (value === undefined) return [fault('attribute_missing', name, `${name} is missing`)];
  if (typeof value !== 'string') return [fault('attribute_not_text', name, `${name} must be text`)];
  if (value === '') return [fault('attribute_empty', name, `${name} must not be empty`)];
  if (value.length > check.ATTRIBUTE_CHARS_MAX) {
    return [
      fault(
        'attribute_too_long',
        name,
        `${name} has ${value.length} characters, at most ${check.ATTRIBUTE_CHARS_MAX} are allowed`,
      ),
    ];
  }
  if (check.hasBadCharacters(value))
    return [fault('attribute_bad_characters', name, `${name} must not have control characters or broken surrogate pairs`)];
  return [];
}

function timeFaults(value: unknown, window: check.TimeWindow): EventFault[] {
  if (value === undefined) return [];
  const timeMs = typeof value === 'string' ? parseInstantMs(value) : undefined;
  if (timeMs === undefined)
    return [fault('time_invalid', 'time', 'time must be an RFC 3339 instant such as 2026-01-31T23:59:59.999Z')];
  if (timeMs < window.earliestMs)
    return [fault('too_old', 'time', `time must not be before ${new Date(window.earliestMs).toISOString()}`)];
  if (timeMs > window.latestMs)
    return [fault('in_future', 'time', `time must not be after ${new Date(window.latestMs).toISOString()}`)];
  return [];
}

function contentFaults(input: Record<string, unknown>): EventFault[] {
  const { datacontenttype, dataschema } = input;
  return [
    ...(datacontenttype === undefined || check.isJsonMediaType(datacontenttype)
      ? []
      : [fault('unsupported_datacontenttype', 'datacontenttype', 'datacontenttype must be application/json')]),
    ...(dataschema === undefined ? [] : attributeFaults('dataschema', dataschema)),
  ];
}

function dataFaults(data: unknown): EventFault[] {
  if (data === undefined) return [];
  if (!check.isObject(data)) return [fault('data_not_object', 'data', 'data must be a JSON object')];
  return nestedFaults(data, 'data', 1);
}

function nestedFaults(value: unknown, path: string, depth: number): EventFault[] {
  if (typeof value !== 'object' || value === null) return [];
  if (depth > check.DATA_DEPTH_MAX)
    return [fault('data_too_deep', path.slice(0, 256), `data must not be nested deeper than ${check.DATA_DEPTH_MAX} levels`)];
  if (Array.isArray(value)) return value.flatMap((item, index) => nestedFaults(item, `${path}[${index}]`, depth + 1));
  return Object.entries(value).flatMap(([key, item]) =>
    key === '__proto__'
      ? [fault('forbidden_key', `${path}.${key}`.slice(0, 256), `the key ${key} is not allowed`)]
      : nestedFaults(item, `${path}.${key}`, depth + 1),
  );
}

function extensionFaults(name: string, value: unknown): EventFault[] {
  if (check.isKnownAttribute(name) || check.isExtension(name, value)) return [];
  const shown = name.slice(0, 64);
  if (name === '__proto__' || name === 'constructor') return [fault('forbidden_key', shown, `the key ${name} is not allowed`)];
  if (name === 'data_base64') return [fault('data_not_json', shown, 'data must be JSON in "data"; binary data is not metered')];
  if (!check.isExtensionName(name)) {
    return [
      fault(
        'unknown_field',
        shown,
        `"${shown}" is no CloudEvents attribute (extensions have lower-case letters and digits only); put it into data`,
      ),
    ];
  }
  return [fault('extension_not_scalar', shown, `the extension attribute ${shown} must be text, a number, a boolean or null`)];
}
