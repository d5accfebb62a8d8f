import { Fault } from '@meterline/domain/faults';
import { z } from 'zod';
import type { CustomerRecord, CustomerRefusal, CustomerStore, Page, PageRequest, TenantClock } from '../ports/index.ts';
import { paymentMethodTrials, type TrialPorts } from '../stages/index.ts';
import { currencySchema, keySchema, nameSchema, subjectSchema, timezoneSchema } from './fields.ts';

const SUBJECTS_MAX = 1000;

const subjectsSchema = z
  .array(subjectSchema)
  .max(SUBJECTS_MAX, `must be at most ${SUBJECTS_MAX} subjects`)
  .superRefine((subjects, context) => {
    for (const [index, subject] of subjects.entries()) {
      if (subjects.indexOf(subject) !== index) context.addIssue({ code: 'custom', path: [index], message: 'is named twice' });
    }
  });

const paymentMethodSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(256, 'must be at most 256 characters')
  .nullable()
  .optional()
  .describe('What your payment provider calls it; no card data. Trials may convert only with one; null takes it away');

export const newCustomerSchema = z.strictObject({
  key: keySchema,
  name: nameSchema,
  currency: currencySchema,
  timezone: timezoneSchema.optional().describe('Where billing periods begin and end; UTC unless given'),
  subjects: subjectsSchema.describe('Event subjects attributed to this customer'),
  paymentMethod: paymentMethodSchema,
});
export type NewCustomer = z.output<typeof newCustomerSchema>;

export const customerChangeSchema = z.strictObject({
  name: nameSchema.optional(),
  timezone: timezoneSchema.optional(),
  subjects: subjectsSchema.optional().describe('The whole new list'),
  paymentMethod: paymentMethodSchema,
});
export type CustomerChangeInput = z.output<typeof customerChangeSchema>;

export const customerUnknown = (key: string): Fault =>
  new Fault('not_found', 'customer.unknown', `There is no customer "${key}".`);

export interface CustomerCatalog {
  create(input: NewCustomer, tenant: string): Promise<CustomerRecord>;
  update(key: string, change: CustomerChangeInput, tenant: string): Promise<CustomerRecord>;
  get(key: string, tenant: string): Promise<CustomerRecord>;
  list(request: PageRequest, tenant: string): Promise<Page<CustomerRecord>>;
}

interface Ports extends TrialPorts {
  readonly customers: CustomerStore;
  readonly clock: TenantClock;
}

export function customerCatalog({ customers: store, clock, ...trials }: Ports): CustomerCatalog {
  return {
    async create(input, tenant) {
      const result = await store.insert({ ...input, timezone: input.timezone ?? 'UTC' }, await clock.nowMs(tenant), tenant);
      return accepted(result, input.key, input.subjects);
    },
    async update(key, change, tenant) {
      const nowMs = await clock.nowMs(tenant);
      const customer = change.paymentMethod === undefined ? undefined : await store.byKey(key, tenant);
      const isPaying = change.paymentMethod != null;
      const affected = customer && (await paymentMethodTrials(trials, customer, isPaying, nowMs, tenant));
      const result = await store.update(key, { ...change, trials: affected }, tenant);
      if ('refused' in result && result.refused === 'outdated') return this.update(key, change, tenant);
      return accepted(result, key, change.subjects ?? []);
    },
    async get(key, tenant) {
      const customer = await store.byKey(key, tenant);
      if (customer === undefined) throw customerUnknown(key);
      return customer;
    },
    list: (request, tenant) => store.page(request, tenant),
  };
}

function accepted(result: CustomerRecord | CustomerRefusal, key: string, subjects: readonly string[]): CustomerRecord {
  if (!('refused' in result)) return result;
  switch (result.refused) {
    case 'unknown':
      throw customerUnknown(key);
    case 'key_taken':
      throw new Fault('conflict', 'customer.key_taken', `There is a customer "${key}" already.`, {
        errors: [{ path: 'key', message: 'is taken' }],
      });
    case 'outdated':
      throw new Error(`the trials of customer ${key} were not looked at again`);
    case 'overlaps':
      throw new Fault('conflict', 'subscription.overlaps', 'A trial that converts would meet another subscription.', {
        errors: [{ path: 'paymentMethod', message: 'makes a trial go on with a plan that the customer has otherwise by then' }],
      });
    case 'timezone_in_use':
      throw new Fault('conflict', 'customer.timezone_in_use', 'The time zone of a customer with a subscription cannot change.', {
        errors: [{ path: 'timezone', message: 'billing periods have been computed in the present zone' }],
      });
    case 'subjects_taken':
      throw new Fault('conflict', 'customer.subject_taken', 'A subject belongs to at most one customer.', {
        errors: result.subjects.map((subject) => ({
          path: `subjects[${subjects.indexOf(subject)}]`,
          message: `"${subject}" belongs to another customer`,
        })),
      });
  }
}
