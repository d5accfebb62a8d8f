import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger };

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'secret',
  'secrets',
  'apiKey',
  'adminKey',
  'token',
  'password',
  'idempotency-key',
];
const SECRET_PATHS = SECRET_FIELDS.flatMap((name) => ['', '*.', '*.*.'].map((above) => `${above}["${name}"]`.replace('.[', '[')));

/** API keys and webhook secrets, wherever they stand in a line: in a URL, in the message of an error of somebody else's library. */
const SECRET_TEXT = /\bmk_([a-z0-9]+)_([0-9A-Za-z]+)_[0-9A-Za-z_-]+|\bwhsec_[0-9A-Za-z+/=_-]+|\bBearer [^\s"\\]+/g;

/** Structured log lines (JSON) on `destination`, standard output by default. Secrets are masked by field name and by their form. */
export function createLogger(options: {
  readonly level: (typeof LOG_LEVELS)[number];
  readonly service: string;
  readonly destination?: DestinationStream;
}): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: '[secret]' },
      hooks: { streamWrite: maskSecrets },
    },
    options.destination ?? pino.destination({ dest: 1, sync: true }),
  );
}

function maskSecrets(line: string): string {
  return line.replace(SECRET_TEXT, (match, env?: string, id?: string) =>
    id === undefined ? `${match.slice(0, 6)}[secret]` : `mk_${env}_${id}_[secret]`,
  );
}
