import { CliError } from '../errors.ts';

/** Options of `meter create` that say what an aggregation needs to know. */
export interface TermsOptions {
  readonly fold?: string;
  readonly level?: string;
  readonly sessionId?: string;
  readonly sessionPhase?: string;
  readonly sessionDuration?: string;
  readonly sessionMax?: string;
}

/** The fields of the request; what is not right about their values the server says. */
export function termsOf({
  fold,
  level,
  sessionId,
  sessionPhase,
  sessionDuration,
  sessionMax,
}: TermsOptions): Record<string, unknown> {
  const session = {
    ...(sessionId === undefined ? {} : { id: sessionId }),
    ...(sessionPhase === undefined ? {} : { phase: sessionPhase }),
    ...(sessionDuration === undefined ? {} : { duration: sessionDuration }),
    ...(sessionMax === undefined ? {} : { maxSeconds: Number(sessionMax) }),
  };
  return {
    ...(fold === undefined ? {} : { fold: foldOf(fold) }),
    ...(level === undefined ? {} : { level: levelOf(level) }),
    ...(Object.keys(session).length === 0 ? {} : { session }),
  };
}

/** `day:max`, `5_minutes:percentile:95`, `hour:average:skip`. */
function foldOf(text: string): Record<string, string> {
  const [window, take, ...rest] = text.split(':');
  const emptyWindows = rest.find((part) => part === 'zero' || part === 'skip');
  const [percentile, ...surplus] = rest.filter((part) => part !== emptyWindows);
  if (window === undefined || take === undefined || surplus.length > 0)
    throw new CliError(2, 'option.malformed', `--fold must be like day:max or 5_minutes:percentile:95, not "${text}".`);
  return {
    window,
    take,
    ...(percentile === undefined ? {} : { percentile }),
    ...(emptyWindows === undefined ? {} : { emptyWindows }),
  };
}

function levelOf(text: string): { values: string; unit: string } {
  const [values, unit, ...surplus] = text.split(':');
  if (values !== undefined && unit !== undefined && surplus.length === 0) return { values, unit };
  throw new CliError(2, 'option.malformed', `--level must be like absolute:hour or change:day, not "${text}".`);
}
