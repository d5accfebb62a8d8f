import { isCurrency } from '@meterline/domain/money';
import { isTimezone, parseInstantMs } from '@meterline/domain/time';
import { z } from 'zod';

/** Fields that several resources share. No text may hold control characters: PostgreSQL refuses NUL, and people cannot see the others. */
export const text = (lengthMax: number) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(lengthMax, `must have at most ${lengthMax} characters`)
    .regex(/^\P{Cc}*$/u, 'must not contain control characters');

export const nameSchema = text(200);
export const subjectSchema = text(256);

/** Keys of customers and plans. */
export const keySchema = z.string().regex(/^[A-Za-z0-9._:@-]{1,128}$/, 'must be 1 to 128 letters, digits or characters of ._:@-');

export const currencySchema = z.string().refine(isCurrency, 'must be an ISO 4217 currency such as USD');

export const timezoneSchema = z.string().refine(isTimezone, 'must be an IANA time zone such as Europe/Berlin');

export const instantSchema = z
  .string()
  .refine((value) => parseInstantMs(value) !== undefined, 'must be an RFC 3339 instant such as 2026-11-01T00:00:00Z')
  .meta({ format: 'date-time' });

/** Epoch milliseconds of a text that passed `instantSchema`, or undefined for undefined. */
export const instantMs = (value: string | undefined): number | undefined =>
  value === undefined ? undefined : parseInstantMs(value);
