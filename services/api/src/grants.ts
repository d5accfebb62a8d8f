import { Fault } from '@meterline/domain/faults';
import { formatDecimal } from '@meterline/domain/money';
import { BURN_ORDERS, type Grant, type GrantBalance, MOVEMENT_KINDS } from '@meterline/domain/prepaid';
import { formatInstant } from '@meterline/domain/time';
import { instantMs, instantSchema } from '@meterline/pipeline/catalog';
import {
  balancesAt,
  balancesNow,
  type BalancePorts,
  createGrant,
  type CustomerBalances,
  type GrantPorts,
  newGrantSchema,
  setBurnOrder,
  type ShownBalance,
  voidGrant,
} from '@meterline/pipeline/grants';
import type { Movement } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { idParams, instantAnswer, instantOrNull, keyParams, noBody } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

const decimalText = z.string().describe('Exact decimal');

const unitsSchema = z.object({
  meter: z.string().nullable().describe('Of units; null for money'),
  filter: z.record(z.string(), z.array(z.string())),
  unitConversion: z.looseObject({}).nullable().describe("From the meter's unit to the pack's"),
  currency: z.string().nullable().describe('Of money; null for units'),
});

const grantSchema = z.object({
  id: z.string(),
  key: z.string(),
  name: z.string(),
  kind: z.enum(['units', 'money']),
  ...unitsSchema.shape,
  amount: decimalText,
  priority: z.int(),
  effectiveAt: instantAnswer,
  expiresAt: instantAnswer.nullable(),
  cost: decimalText.nullable(),
  carryOver: z.object({ percent: decimalText, maximum: decimalText.nullable(), expiresAt: instantAnswer }).nullable(),
  carriedFrom: z.string().nullable().describe('The grant whose rest this one is'),
  createdAt: instantAnswer,
});

const voidedSchema = grantSchema.extend({ customer: z.string(), voided: z.boolean(), balance: decimalText });

const stateSchema = z.enum(['scheduled', 'active', 'used', 'expired', 'voided']);
const balanceFields = {
  balance: decimalText.describe('As the ledger has it'),
  pending: decimalText.describe('What usage that is not invoiced yet takes'),
  available: decimalText.describe('What can still be used'),
};

const balancesSchema = z.object({
  customer: z.string(),
  at: instantAnswer,
  position: z.int().describe('Of the last movement of the ledger that is in it'),
  grants: z.array(grantSchema.extend({ state: stateSchema, ...balanceFields })),
  totals: z.array(z.object({ kind: z.enum(['units', 'money']), ...unitsSchema.shape, ...balanceFields })),
});

const movementSchema = z.object({
  position: z.int().describe('Counts from 1 without gaps'),
  grant: z.string(),
  kind: z.enum(MOVEMENT_KINDS),
  amount: decimalText.describe("What the grant's balance moves by"),
  balance: decimalText.describe('Of the grant, after it'),
  invoice: z.string().nullable().describe('Id of the invoice that made it'),
  line: z.string().nullable(),
  adjusts: z.string().nullable().describe('Number of the earlier invoice whose usage changed'),
  bookedAt: instantAnswer,
});

const plain = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);

const showUnits = ({ units, currency }: Pick<Grant, 'units' | 'currency'>) => ({
  kind: units === null ? ('money' as const) : ('units' as const),
  meter: units?.meter ?? null,
  filter: Object.fromEntries(Object.entries(units?.filter ?? {}).map(([name, values]) => [name, [...values]])),
  unitConversion: units?.conversion ?? null,
  currency,
});

function showGrant(grant: Grant): z.input<typeof grantSchema> {
  const { id, key, name, priority, carryOver, carriedFrom } = grant;
  return {
    ...{ id, key, name, priority, carriedFrom },
    ...showUnits(grant),
    amount: plain(grant.amount),
    effectiveAt: formatInstant(grant.effectiveAtMs),
    expiresAt: instantOrNull(grant.expiresAtMs),
    cost: grant.cost,
    carryOver: carryOver && {
      percent: carryOver.percent,
      maximum: carryOver.maximum,
      expiresAt: formatInstant(carryOver.expiresAtMs),
    },
    createdAt: formatInstant(grant.createdAtMs),
  };
}

const showFigures = ({ balance, pending, available }: Pick<ShownBalance, 'balance' | 'pending' | 'available'>) => ({
  balance: formatDecimal(balance),
  pending: formatDecimal(pending),
  available: formatDecimal(available),
});

const showBalances = ({ customer, atMs, position, grants, totals }: CustomerBalances): z.input<typeof balancesSchema> => ({
  customer,
  at: formatInstant(atMs),
  position,
  grants: grants.map((each) => ({ ...showGrant(each.grant), state: each.state, ...showFigures(each) })),
  totals: totals.map((total) => ({ ...showUnits(total), ...showFigures(total) })),
});

const showMovement = ({ bookedAtMs, amount, balance, ...movement }: Movement): z.input<typeof movementSchema> => ({
  ...movement,
  amount: plain(amount),
  balance: plain(balance),
  bookedAt: formatInstant(bookedAtMs),
});

const showVoided = (found: GrantBalance & { readonly customer: string }): z.input<typeof voidedSchema> => ({
  ...showGrant(found.grant),
  customer: found.customer,
  voided: found.voided,
  balance: formatDecimal(found.balance),
});

export interface GrantRoutesDeps extends GrantPorts, BalancePorts {
  /** Grants change what is spent: rating need not wait for its next look. */
  readonly onChange?: () => void;
}

/** Prepaid packs and credits: `/v1/customers/{key}/grants`, `/balances`, `/ledger`, `/burn-order`, and `/v1/grants/{id}`. */
export function grantRoutes(server: HttpServer, deps: GrantRoutesDeps): void {
  addGrantRoutes(server, deps);
  addLedgerRoutes(server, deps);
}

function addGrantRoutes(server: HttpServer, deps: GrantRoutesDeps): void {
  const tags = ['Prepaid'];

  server.post(
    '/v1/customers/:key/grants',
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Give a customer prepaid units or money',
        description: 'A grant of the same key and terms that is there already is answered, and nothing is given twice.',
        tags,
        params: keyParams,
        body: newGrantSchema,
        response: { 201: grantSchema },
      },
    },
    async ({ params, body, principal }, reply) => {
      const grant = await createGrant(deps, params.key, body, principal.tenant);
      deps.onChange?.();
      return reply.code(201).send(showGrant(grant));
    },
  );

  server.get(
    '/v1/customers/:key/grants',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List the grants of a customer, newest first',
        tags,
        params: keyParams,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(grantSchema) },
      },
    },
    async ({ params, query, principal }) => {
      await knownCustomer(deps, params.key, principal.tenant);
      return pageAnswer(await deps.prepaid.grants(params.key, pageRequest(query), principal.tenant), showGrant);
    },
  );

  server.post(
    '/v1/grants/:id/void',
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Take what is left of a grant',
        description: 'What invoices took stays taken. Usage that is not invoiced yet is no longer paid for by it.',
        tags,
        params: idParams,
        body: noBody,
        response: { 200: voidedSchema },
      },
    },
    async ({ params, principal }) => {
      await voidGrant(deps, params.id, principal.tenant);
      const found = await deps.prepaid.grantBalance(params.id, principal.tenant);
      if (found === undefined) throw new Error(`grant ${params.id} was voided and is not there`);
      deps.onChange?.();
      return showVoided(found);
    },
  );

  server.put(
    '/v1/customers/:key/burn-order',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Set which grants of a customer pay first',
        description:
          'priority: the smaller priority, then the earliest expiry, then the oldest. purchase: the oldest. free_first: what cost nothing, then as priority.',
        tags,
        params: keyParams,
        body: z.strictObject({ order: z.enum(BURN_ORDERS) }),
        response: { 200: z.object({ customer: z.string(), order: z.enum(BURN_ORDERS) }) },
      },
    },
    async ({ params, body, principal }) => {
      await setBurnOrder(deps, params.key, body.order, principal.tenant);
      deps.onChange?.();
      return { customer: params.key, order: body.order };
    },
  );
}

function addLedgerRoutes(server: HttpServer, deps: GrantRoutesDeps): void {
  const tags = ['Prepaid'];

  server.get(
    '/v1/customers/:key/balances',
    {
      config: { scope: 'read' },
      schema: {
        summary: "What is left of a customer's grants, each and in total",
        description:
          'Without `at`: now, with what usage that is not invoiced yet takes. With `at`: as it was written down by then, `pending` being 0.',
        tags,
        params: keyParams,
        querystring: z.strictObject({ at: instantSchema.optional() }),
        response: { 200: balancesSchema },
      },
    },
    async ({ params, query, principal }) => {
      const atMs = instantMs(query.at);
      const nowMs = await deps.clock.nowMs(principal.tenant);
      if (atMs === undefined) return showBalances(await balancesNow(deps, params.key, nowMs, principal.tenant));
      if (atMs > nowMs) {
        const errors = [{ path: 'at', message: 'must not be in the future' }];
        throw new Fault('invalid', 'balances.at_in_future', 'Nobody knows what will be used by then.', { errors });
      }
      return showBalances(await balancesAt(deps, params.key, atMs, principal.tenant));
    },
  );

  server.get(
    '/v1/customers/:key/ledger',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Every movement of the grants of a customer, in order',
        tags,
        params: keyParams,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(movementSchema) },
      },
    },
    async ({ params, query, principal }) => {
      await knownCustomer(deps, params.key, principal.tenant);
      const request = pageRequest(query, z.tuple([z.string().regex(/^\d{1,15}$/)]));
      return pageAnswer(await deps.prepaid.ledger(params.key, request, principal.tenant), showMovement);
    },
  );
}

async function knownCustomer({ customers }: GrantRoutesDeps, key: string, tenant: string): Promise<void> {
  if ((await customers.byKey(key, tenant)) !== undefined) return;
  throw new Fault('not_found', 'customer.unknown', `There is no customer "${key}".`);
}
