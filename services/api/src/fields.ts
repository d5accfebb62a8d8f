import { formatInstant } from '@meterline/domain/time';
import { text } from '@meterline/pipeline/catalog';
import { z } from 'zod';

/** An instant in an answer: RFC 3339, UTC. */
export const instantAnswer = z.string().meta({ format: 'date-time' });

export const instantOrNull = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));

export const keyParams = z.strictObject({ key: text(256) });
export const idParams = z.strictObject({ id: text(256) });
/** Actions that take no input still take an empty object, or nothing. */
export const noBody = z.strictObject({}).nullish();
