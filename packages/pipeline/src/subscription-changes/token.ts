import { Fault, type FaultDetail } from '@meterline/domain/faults';
import { formatInstant, startOfDateMs } from '@meterline/domain/time';
import { z } from 'zod';
import { changedSince, type Decided } from './changes.ts';
import { type ChangeRequest, changeRequestSchema } from './request.ts';

/** What a preview was made of. It says what to do and what must still be so; it holds no secret, and whoever may make changes may write one. */
const basisSchema = z.strictObject({
  subscription: z.string(),
  request: changeRequestSchema,
  version: z.int(),
  from: z.string(),
  to: z.string(),
  fromPrices: z.int(),
  toPrices: z.int(),
  negotiated: z.int(),
  takesEffect: z.string(),
  invoicedThrough: z.string().nullable(),
  subjects: z.array(z.string()),
  trial: z.string().nullable().default(null),
});
type Basis = z.output<typeof basisSchema>;

const SAID: Readonly<Record<Exclude<keyof Basis, 'subscription' | 'request'>, string>> = {
  version: 'version of the subscription',
  from: 'plan that is changed',
  to: 'plan that it leads to',
  fromPrices: 'price revision of the plan that is changed',
  toPrices: 'price revision of the plan that it leads to',
  negotiated: 'negotiated prices of the customer',
  takesEffect: 'first day of the change',
  invoicedThrough: 'end of what is invoiced',
  subjects: 'subjects of the customer',
  trial: 'what decides on a trial',
};

function basisOf({ request, plans, subject, day, update }: Decided): Basis {
  const { subscription, customer, billedThroughMs } = subject;
  return {
    subscription: subscription.id,
    request,
    version: subscription.version,
    from: `${plans.from.plan.key} version ${plans.from.version}`,
    to: `${plans.to.plan.key} version ${plans.to.version}`,
    fromPrices: plans.from.priceRevision,
    toPrices: plans.to.priceRevision,
    negotiated: customer.negotiatedRevision,
    takesEffect: formatInstant(startOfDateMs(day, customer.timezone)),
    invoicedThrough: billedThroughMs === null ? null : formatInstant(billedThroughMs),
    subjects: [...customer.subjects],
    trial: update.trial === undefined ? null : JSON.stringify(update.trial),
  };
}

export function tokenOf(decided: Decided): string {
  return Buffer.from(JSON.stringify(basisOf(decided))).toString('base64url');
}

/** The request that a token of this subscription is for. Fails with `subscription.token_invalid`. */
export function requestOf(token: string, subscription: string): { readonly request: ChangeRequest; readonly basis: Basis } {
  const basis = basisSchema.safeParse(jsonIn(token));
  if (basis.success && basis.data.subscription === subscription) return { request: basis.data.request, basis: basis.data };
  throw new Fault('invalid', 'subscription.token_invalid', 'The token is not one of a preview of this subscription.', {
    errors: [{ path: 'token', message: 'must be the token of a preview of this subscription' }],
  });
}

/** Fails with `subscription.changed_since`, naming everything that is not as the preview had it. */
export function refuseIfChanged(previewed: Basis, decided: Decided): void {
  const now = basisOf(decided);
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  const errors = Object.entries(SAID).flatMap(([field, said]): FaultDetail[] => {
    const [was, is] = [text(previewed[field as keyof Basis]), text(now[field as keyof Basis])];
    return was === is ? [] : [{ path: field, message: `${said}: ${was} when it was previewed, ${is} now` }];
  });
  if (errors.length > 0) throw changedSince(errors);
}

function jsonIn(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
