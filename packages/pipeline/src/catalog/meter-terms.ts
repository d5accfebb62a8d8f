import {
  FOLD_TAKES,
  LEVEL_UNITS,
  LEVEL_VALUES,
  type Meter,
  type SessionTerms,
  compilePath,
  type WindowFold,
} from '@meterline/domain/meters';
import { Fault } from '@meterline/domain/faults';
import { WINDOW_SIZES } from '@meterline/domain/time';
import { z } from 'zod';

/** Longest session: what is read of the time before a range. */
const SESSION_SECONDS_MAX = 31 * 86_400;

export const pathSchema = z.string().superRefine((path, context) => {
  const fault = pathFault(path);
  if (fault !== undefined) context.addIssue(fault.message);
});

export function pathFault(path: string): Fault | undefined {
  try {
    compilePath(path);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

export const levelSchema = z
  .strictObject({
    values: z.enum(LEVEL_VALUES).describe('Whether an event says the new level of its series, or by how much it changed'),
    unit: z
      .enum(LEVEL_UNITS)
      .describe('A level of 1 held for this long is 1; `period`: held for the whole range asked for (the mean level)'),
  })
  .describe('weighted_sum only');

const phaseText = z.string().min(1, 'must not be empty').max(256, 'must have at most 256 characters');
const maxSeconds = z
  .int()
  .min(1)
  .max(SESSION_SECONDS_MAX, `must be at most ${SESSION_SECONDS_MAX} (31 days)`)
  .describe('A session that is not left ends so long after its last join; no duration may be longer');

export const sessionSchema = z
  .strictObject({
    id: pathSchema.optional().describe('Path to the id that join and leave of a session share, within their subject'),
    phase: pathSchema.optional().describe('Path to what happened'),
    join: phaseText.optional().describe('The text that means joining; `join` unless given'),
    leave: phaseText.optional().describe('The text that means leaving; `leave` unless given'),
    duration: pathSchema.optional().describe('Instead of these: path to the duration in seconds, `time` being the start'),
    maxSeconds,
  })
  .superRefine(({ duration, id, phase, join, leave }, context) => {
    const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (duration === undefined) {
      if (id === undefined) fault('id', 'is required without a duration');
      if (phase === undefined) fault('phase', 'is required without a duration');
      if ((join ?? 'join') === (leave ?? 'leave')) fault('leave', 'must not be the text that means joining');
      return;
    }
    for (const [name, given] of Object.entries({ id, phase, join, leave }))
      if (given !== undefined) fault(name, 'must be absent with a duration');
  })
  .describe('peak_concurrency only');

const PERCENTILE = /^(100|[1-9]\d?|\d{1,2}\.\d{1,6})$/;

export const foldSchema = z
  .strictObject({
    window: z.enum(WINDOW_SIZES),
    take: z.enum(FOLD_TAKES),
    percentile: z
      .string()
      .regex(PERCENTILE, 'must be above 0 and at most 100, as text such as "95" or "99.9"')
      .refine((text) => /[1-9]/.test(text), 'must be above 0')
      .optional(),
    emptyWindows: z
      .enum(['zero', 'skip'])
      .optional()
      .describe('average and percentile: windows without usage count as zero (default), or not at all'),
  })
  .superRefine(({ take, percentile, emptyWindows }, context) => {
    if (take === 'percentile' && percentile === undefined)
      context.addIssue({ code: 'custom', path: ['percentile'], message: 'is required with take "percentile"' });
    if (take !== 'percentile' && percentile !== undefined)
      context.addIssue({ code: 'custom', path: ['percentile'], message: `must be absent with take "${take}"` });
    if ((take === 'max' || take === 'sum') && emptyWindows !== undefined)
      context.addIssue({ code: 'custom', path: ['emptyWindows'], message: `must be absent with take "${take}"` });
  })
  .describe(
    "Usage is computed window by window, days and months in the customer's zone, and the windows are folded into one quantity",
  );

/** What an aggregation needs beside its name: one fault for each field that is missing or does not belong there. */
export function termsFaults({
  aggregation,
  valueProperty,
  level,
  session,
}: {
  readonly aggregation: Meter['aggregation'];
  readonly valueProperty?: unknown;
  readonly level?: unknown;
  readonly session?: unknown;
}): { path: string; message: string }[] {
  const faults: { path: string; message: string }[] = [];
  const needs = (path: string, given: unknown, wanted: boolean, missing: string, surplus: string): void => {
    if ((given !== undefined) !== wanted) faults.push({ path, message: wanted ? missing : surplus });
  };
  const valued = aggregation !== 'count' && aggregation !== 'peak_concurrency';
  const countsEvents = aggregation === 'count' ? 'count counts events' : 'peak_concurrency counts sessions';
  needs(
    'valueProperty',
    valueProperty,
    valued,
    `${aggregation} needs a value property`,
    `${countsEvents}: it takes no value property`,
  );
  needs(
    'level',
    level,
    aggregation === 'weighted_sum',
    'weighted_sum needs to know what its values mean',
    `${aggregation} has no level`,
  );
  needs(
    'session',
    session,
    aggregation === 'peak_concurrency',
    'peak_concurrency needs to know where the sessions are',
    `${aggregation} has no sessions`,
  );
  return faults;
}

/** As stored: nothing left to defaults. */
export function wholeSession(session: z.output<typeof sessionSchema>): SessionTerms {
  const { id = '', phase = '', join = 'join', leave = 'leave', duration, maxSeconds } = session;
  return duration === undefined ? { id, phase, join, leave, maxSeconds } : { duration, maxSeconds };
}

/** As stored: nothing left to defaults. */
export function wholeFold(fold: z.output<typeof foldSchema>): WindowFold {
  const { window, take, percentile, emptyWindows } = fold;
  const canBeEmpty = take === 'average' || take === 'percentile';
  return {
    window,
    take,
    ...(percentile === undefined ? {} : { percentile }),
    ...(canBeEmpty ? { emptyWindows: emptyWindows ?? 'zero' } : {}),
  };
}
