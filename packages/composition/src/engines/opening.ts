import path from 'node:path';
import type { Settings } from '@meterline/runtime/config';
import type { Health } from '@meterline/runtime/health';
import type { OnStop } from '@meterline/runtime/lifecycle';
import type { Logger } from '@meterline/runtime/logging';

/** What opening an engine needs of the process: each engine says itself how it closes and how it fares. */
export interface Opening {
  /** How the process calls itself in its connections. */
  readonly service?: string;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly health: Health;
  readonly onStop: OnStop;
}

const INFRA = path.join(import.meta.dirname, '../../../../infra');

export const MIGRATIONS = {
  postgres: path.join(INFRA, 'postgres/migrations'),
  clickhouse: path.join(INFRA, 'clickhouse/migrations'),
};

/** Loaded where one is opened: services that have none of them start without their modules, and their images have not got them. */
export const embeddedEngines = () => import('@meterline/backends/embedded');
