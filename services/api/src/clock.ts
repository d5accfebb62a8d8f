import { formatInstant } from '@meterline/domain/time';
import type { SandboxRecord, ScheduleStore, TenantClock } from '@meterline/pipeline/ports';
import { clockMoveSchema, clockTargetMs, type SandboxCatalog } from '@meterline/pipeline/sandboxes';
import type { HttpServer } from '@meterline/runtime/http';
import { z } from 'zod';
import { instantAnswer, instantOrNull } from './fields.ts';

export interface ClockDeps {
  readonly clock: TenantClock;
  /** Whose time zone is that of the tenant's calendar. */
  readonly schedules: Pick<ScheduleStore, 'schedule'>;
  readonly sandboxes: Pick<SandboxCatalog, 'thatIs'>;
  /** Moves the clock of a sandbox, and waits for what is due; fails with `clock.not_sandbox`, `clock.backwards` and others. */
  readonly moveSandbox: (toMs: number, tenant: string) => Promise<SandboxRecord>;
  /** Present only where a test clock runs; fails with `clock.backwards`. */
  readonly testClock?: { moveTo(toMs: number): void | Promise<void> } | undefined;
}

const clockSchema = z.object({
  now: instantAnswer,
  test: z.boolean().describe('Whether this clock can be moved'),
  movingTo: instantAnswer
    .nullable()
    .describe('Where the clock of a sandbox is on its way to; null: what is due by now is done, or happens in real time'),
});

export function clockRoutes(server: HttpServer, { clock, schedules, sandboxes, moveSandbox, testClock }: ClockDeps): void {
  const tags = ['Operations'];
  const show = async (sandbox: SandboxRecord | undefined, tenant: string): Promise<z.input<typeof clockSchema>> => ({
    now: formatInstant(await clock.nowMs(tenant)),
    test: sandbox !== undefined || testClock !== undefined,
    movingTo: instantOrNull(sandbox?.movingToMs ?? null),
  });

  server.get(
    '/v1/clock',
    {
      config: { scope: 'read' },
      schema: { summary: 'The time by which everything is billed', tags, response: { 200: clockSchema } },
    },
    async ({ principal: { tenant } }) => show(await sandboxes.thatIs(tenant), tenant),
  );

  server.post(
    '/v1/clock',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Move the clock of a sandbox forward, or the test clock of the server',
        description:
          'A sandbox passes through every time at which something is due, and stays there until it is done. The answer comes when all of it is, or ' +
          'after half a minute with `movingTo`.',
        tags,
        body: clockMoveSchema,
        response: { 200: clockSchema },
      },
    },
    async ({ body, principal: { tenant } }) => {
      const toMs = await clockTargetMs({ clock, schedules }, body, tenant);
      if (testClock !== undefined && (await sandboxes.thatIs(tenant)) === undefined) {
        await testClock.moveTo(toMs);
        return show(undefined, tenant);
      }
      return show(await moveSandbox(toMs, tenant), tenant);
    },
  );
}
