import { CONVERTING, EXPIRING, MOVED, PAUSED, SHRUNK, TAKEN_BACK, UPGRADED } from './catalog.ts';

/** `<kind> <plan> <from> to <to>: <total>, issued <day>`, the days without their year. Everything is due at 00:05 of a first of the month, or at once. */
type Documents = readonly string[];

const FEBRUARY_AND_MARCH = (plan: string, amount: string): Documents => [
  `period ${plan} 02-01 to 03-01: ${amount}, issued 03-01`,
  `period ${plan} 03-01 to 04-01: ${amount}, issued 04-01`,
];

const OF: readonly (readonly [customers: readonly string[], Documents])[] = [
  [
    MOVED,
    [
      'period moving 01-01 to 02-01: 31.00, issued 02-01',
      'period moving 02-01 to 03-01: 62.00, issued 03-01',
      // moved again on 11 March: 62.00 * 10 / 31 = 20.00, 93.00 * 21 / 31 = 63.00
      'period moving 03-01 to 03-11: 20.00, issued 04-01',
      'period moving 03-11 to 04-01: 63.00, issued 04-01',
    ],
  ],
  [
    UPGRADED,
    [
      'period free 01-01 to 01-11: 0.00, issued 01-11',
      // in advance for 21 of 31 days: 21.00; the periods themselves have no more
      'fee paid 01-11 to 02-01: 21.00, issued 01-11',
      'period paid 01-11 to 02-01: 0.00, issued 02-01',
      'fee paid 02-01 to 03-01: 31.00, issued 02-01',
      'period paid 02-01 to 03-01: 0.00, issued 03-01',
      'fee paid 03-01 to 04-01: 31.00, issued 03-01',
      'period paid 03-01 to 04-01: 0.00, issued 04-01',
      'fee paid 04-01 to 05-01: 31.00, issued 04-01',
    ],
  ],
  [
    TAKEN_BACK,
    [
      'period free 01-01 to 01-11: 0.00, issued 01-11',
      'fee paid 01-11 to 02-01: 21.00, issued 01-11',
      'refund paid 01-11 to 02-01: 21.00, issued 01-11',
      'period free 01-11 to 02-01: 0.00, issued 02-01',
      ...FEBRUARY_AND_MARCH('free', '0.00'),
    ],
  ],
  // Rests from 16 to 25 January: 15 days, and 6.
  [
    [PAUSED],
    [
      'period steady 01-01 to 01-16: 15.00, issued 02-01',
      'period steady 01-26 to 02-01: 6.00, issued 02-01',
      ...FEBRUARY_AND_MARCH('steady', '31.00'),
    ],
  ],
  [[SHRUNK], ['period steady 01-01 to 02-01: 31.00, issued 02-01', ...FEBRUARY_AND_MARCH('small', '15.50')]],
  [
    CONVERTING,
    [
      'period tried 01-11 to 01-25: 0.00, issued 02-01',
      // 7 days behind the trial
      'period tried 01-25 to 02-01: 7.00, issued 02-01',
      ...FEBRUARY_AND_MARCH('tried', '31.00'),
    ],
  ],
  [EXPIRING, ['period tried 01-11 to 01-25: 0.00, issued 02-01']],
];

/** `<customer>: <document>` of each invoice and credit note up to 2 April. Every day of a subscription is on one of them, and on one alone. */
export const DOCUMENTS: readonly string[] = OF.flatMap(([customers, documents]) =>
  customers.flatMap((customer) => documents.map((document) => `${customer}: ${document}`)),
);

const OUTCOMES = [...CONVERTING.map((customer) => [customer, 'converted']), ...EXPIRING.map((customer) => [customer, 'expired'])];

/** `<customer>: <what is told of its trial>`. */
export const TRIAL_NOTICES: readonly string[] = OUTCOMES.flatMap(([customer = '', outcome = '']) => [
  `${customer}: will end`,
  `${customer}: ${outcome}`,
]);

const CHANGES: readonly (readonly [customers: readonly string[], changes: readonly string[]])[] = [
  [MOVED, ['plan moving 2 02-01', 'plan moving 3 03-11']],
  [UPGRADED, ['plan paid 1 01-11']],
  // What is withdrawn has no days; an entry that changes nothing begins the rest of the month anew.
  [TAKEN_BACK, ['withdrawn plan paid 1 01-11', 'quantity 01-11']],
  [[PAUSED], ['pause 01-16']],
  [[SHRUNK], ['plan small 1 02-01']],
];

/** `<customer>: <change>` of each change behind the start. */
export const CHANGES_MADE: readonly string[] = CHANGES.flatMap(([customers, changes]) =>
  customers.flatMap((customer) => changes.map((change) => `${customer}: ${change}`)),
);

/** The last state of each upgrade. */
export const UPGRADES: readonly string[] = [
  ...UPGRADED.map((customer) => `${customer}: done`),
  ...TAKEN_BACK.map((customer) => `${customer}: rolled_back`),
];
