import { z } from 'zod';

export interface Setting<T extends z.ZodType = z.ZodType> {
  readonly schema: T;
  /** As written in the environment; null = unset, which means null. */
  readonly default: string | null;
  readonly meaning: string;
  /** Its value is never shown. */
  readonly secret: boolean;
}

export const setting = <T extends z.ZodType, D extends string | null>(def: D, meaning: string, schema: T) => ({
  schema,
  default: def,
  meaning,
  secret: false,
});

export const secret = <T extends z.ZodType, D extends string | null>(def: D, meaning: string, schema: T) => ({
  ...setting(def, meaning, schema),
  secret: true,
});

export const text = z.string();

export const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `must be one of ${values.join(', ')}`);

export const instant = z.iso.datetime({ offset: true, error: 'must be an instant like 2023-11-16T19:15:00Z' });

const listed = z.string().transform((list) => list.split(',').flatMap((item) => item.trim() || []));

export const origins = listed.refine(
  (list) => list.every((origin) => /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin),
  'must be origins like https://app.example.com (no path), separated by commas',
);

export const brokers = listed.refine(
  (list) => list.length > 0 && list.every((broker) => /^[^\s:/]+:\d{1,5}$/.test(broker)),
  'must be brokers like kafka-1:9092, separated by commas',
);

export const urls = listed.refine(
  (list) => list.length > 0 && list.every((url) => /^https?:/.test(url) && URL.canParse(url)),
  'must be URLs like http://clickhouse:8123, separated by commas',
);

export const urlOf = (...schemes: readonly [string, ...string[]]) =>
  z
    .string()
    .refine(
      (url) => URL.canParse(url) && schemes.includes(new URL(url).protocol.slice(0, -1)),
      `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    );
