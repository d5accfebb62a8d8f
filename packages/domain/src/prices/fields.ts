import { z } from 'zod';

const DECIMAL = /^-?\d{1,24}(?:\.\d{1,12})?$/;

interface DecimalRule {
  readonly holds: (text: string) => boolean;
  readonly says: string;
}

const notNegative: DecimalRule = { holds: (text) => !text.startsWith('-'), says: 'must not be negative' };
const positive: DecimalRule = { holds: (text) => !text.startsWith('-') && /[1-9]/.test(text), says: 'must be above zero' };

/** A decimal string that is not negative: up to 24 digits before and 12 behind the point. */
export const notNegativeField = (name: string) => decimalField(name, notNegative);

export const positiveField = (name: string) => decimalField(name, positive);

/** A whole number in a string, up to 15 digits. */
export const countField = (name: string) =>
  z
    .string({ error: `${name} must be a whole number in a string such as "10"` })
    .regex(/^\d{1,15}$/, `${name} must be a whole number in a string such as "10"`);

/** What something is called by in requests and documents. */
export const keyField = (name: string) =>
  z
    .string({ error: `${name} is required: a text` })
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/,
      `${name} must be 1 to 128 letters, digits or _ . : - and start with a letter or digit`,
    );

/** What people call it. */
export const nameField = (name: string) =>
  z
    .string({ error: `${name} is required: a text` })
    .min(1, `${name} must not be empty`)
    .max(256, `${name} must be at most 256 characters`);

/** Name of a meter's dimension. */
export const dimensionField = (name: string) =>
  z
    .string({ error: `${name} must be a text` })
    .min(1, `${name} must not be empty`)
    .max(128, `${name} must have at most 128 characters`);

/** An object without other fields than these; each unknown one is named. */
export function strictFields<Shape extends z.ZodRawShape>(name: string, shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${name} has unknown fields: ${(issue.keys ?? []).join(', ')}; known are ${Object.keys(shape).join(', ')}`
        : `${name} must be an object`,
  });
}

function decimalField(name: string, rule: DecimalRule) {
  const asDecimal = 'a decimal string such as "0.00399"';
  return z
    .string({
      error: ({ input }) => {
        if (input === undefined) return `${name} is required: ${asDecimal}`;
        if (typeof input === 'number')
          return `${name} must be a string, not a number, so that no digit is lost: send ${asDecimal}`;
        return `${name} must be ${asDecimal}`;
      },
    })
    .check((context) => {
      const malformed =
        !DECIMAL.test(context.value) && `must be ${asDecimal} of at most 24 digits before and 12 behind the point`;
      const problem = malformed || (!rule.holds(context.value) && rule.says);
      // Without `continue`, later rules would read a number from this text.
      if (problem) context.issues.push({ code: 'custom', message: `${name} ${problem}`, input: context.value, continue: false });
    });
}

/** A number of days, changes and the like: from 1 on. */
export function wholeNumberField(name: string, most: number) {
  const rule = `${name} must be a whole number from 1 to ${most}`;
  return z.int(rule).min(1, rule).max(most, rule);
}
