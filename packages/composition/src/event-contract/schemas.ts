import { z } from 'zod';

const attribute = { type: 'string', minLength: 1, maxLength: 256 } as const;

const EVENT = {
  type: 'object',
  description: 'A CloudEvents 1.0 usage event. The same id from the same source counts once.',
  required: ['id', 'source', 'type', 'subject'],
  properties: {
    specversion: { const: '1.0' },
    id: attribute,
    source: attribute,
    type: attribute,
    subject: attribute,
    time: { type: 'string', format: 'date-time', description: 'When it happened; absent = when it is received' },
    data: { type: 'object' },
  },
} as const;

/** The body is parsed and checked by hand (it is the hot path): these schemas only describe it. */
export const eventsBody = z.unknown().meta({ oneOf: [EVENT, { type: 'array', items: EVENT, maxItems: 1000 }] });
export const replacementBody = z.unknown().meta({ ...EVENT, required: ['type', 'subject'] });

export const voidBody = z.strictObject({ source: z.string().min(1).max(256).optional() }).nullish();
export const eventIdParams = z.object({ id: z.string().min(1).max(256) });

export const ingested = z.object({
  accepted: z.number().int(),
  rejected: z.array(z.object({ index: z.number().int(), id: z.string().nullable(), code: z.string(), message: z.string() })),
});

export const corrected = z.object({ id: z.string(), source: z.string() });
