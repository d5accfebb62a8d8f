import { readFileSync } from 'node:fs';
import vectors from '../data/vectors/lifecycle.json' with { type: 'json' };

/** Says which kinds of cases are followed by which test, and which cases are not, and why. */
const GUIDE = 'docs/guides/published-figures.md';

/** A document that a case expects, before taxes. Amounts in cents. */
export interface ExpectedDocument {
  readonly kind: string;
  readonly amountCents?: string;
  readonly baseCents?: string;
  readonly days?: string;
  readonly daysInPeriod?: string;
  readonly subtotalCents?: string;
  readonly totalCents?: string;
  readonly commitmentCents?: string;
  readonly subscriptionFeeCents?: string;
}

export interface CasePlan {
  readonly amountCents?: string;
  readonly interval: string;
  readonly payInAdvance?: boolean;
  readonly minimumCommitmentCents?: string;
}

export interface CaseStep {
  readonly at: string;
  readonly do: string;
  readonly plan?: CasePlan;
  /** Both ends included. */
  readonly period?: string;
  readonly value?: string;
  readonly perUnitCents?: string;
  readonly expect?: readonly ExpectedDocument[];
}

export interface LifecycleCase {
  readonly id: string;
  readonly kind: string;
  readonly plan: CasePlan & { readonly trialDays?: string };
  readonly billing?: 'calendar' | 'anniversary';
  readonly timezone?: string;
  readonly taxRatePct?: string;
  readonly steps?: readonly CaseStep[];
}

export const CASES = vectors as readonly { readonly id: string; readonly kind: string }[];

/** The rows of the table below a heading of the guide, cell by cell. */
function tableBelow(heading: string): string[][] {
  const [, below] = readFileSync(new URL(`../../${GUIDE}`, import.meta.url), 'utf8').split(`\n## ${heading}\n`);
  if (below === undefined) throw new Error(`${GUIDE} has no heading "${heading}"`);
  const [section = ''] = below.split('\n## ');
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) => row.split('|').slice(1, -1).map((cell) => cell.trim())); // prettier-ignore
}

const quoted = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);

/** Ids of cases that are not followed, with the reason. */
export const notFollowed: ReadonlyMap<string, string> = new Map(
  tableBelow('Not followed').flatMap(([ids, reason = '']) => quoted(ids).map((id) => [id, reason] as const)),
);

/** The tests that follow a kind of cases, as paths in the project. */
export const followedBy: ReadonlyMap<string, readonly string[]> = new Map(
  tableBelow('Followed').flatMap(([kinds, tests]) => quoted(kinds).map((kind) => [kind, quoted(tests)] as const)),
);

/** The cases of these kinds, but for those not followed. */
export const followed = <T extends { readonly id: string; readonly kind: string } = LifecycleCase>(
  ...kinds: readonly string[]
): T[] => (CASES as readonly T[]).filter(({ id, kind }) => kinds.includes(kind) && !notFollowed.has(id));

/** Whether the plan of a subscription changes in it. */
export const changesPlan = ({ steps = [] }: Pick<LifecycleCase, 'steps'>): boolean =>
  steps.some((step) => step.do === 'upgrade' || step.do === 'downgrade');

/** `871` is `8.71`. */
export const money = (cents: string): string => (Number(cents) / 100).toFixed(2);
