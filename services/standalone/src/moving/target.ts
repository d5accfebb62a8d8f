import { filledUsageTable } from '@meterline/backends/clickhouse';
import { postgresMoveStore, type MoveStore } from '@meterline/backends/postgres';
import {
  openBareTopic,
  openBillingStore,
  openUsageStore,
  requireSharedEngines,
  type Opening,
} from '@meterline/composition/engines';
import { portsOver, type Ports } from '@meterline/composition/installation';
import { Fault } from '@meterline/domain/faults';

export interface MoveTarget {
  readonly ports: Ports;
  readonly moves: MoveStore;
}

/** Opens the engines of the new deployment, with the rights of an aggregator: "npm run migrate" has made their schemas and the topic. */
export async function openTarget(opening: Opening): Promise<MoveTarget> {
  requireSharedEngines(opening.settings);
  const { database } = await openBillingStore(opening, { migrating: false });
  const clickhouse = await openUsageStore(opening, { migrating: false });
  const log = await openBareTopic(opening);
  return { ports: portsOver({ database, clickhouse, log }), moves: postgresMoveStore(database) };
}

/** Before a move begins: what is there would be taken for moved. Fails with `move.target_not_empty`. */
export async function requireEmptyUsage({ log, clickhouse }: Ports): Promise<void> {
  const filled = await filledUsageTable(clickhouse);
  if (filled !== undefined) throw notEmpty(`the table ${filled} of the usage store`);
  for (let partition = 0; partition < log.partitionCount; partition += 1)
    if ((await log.bounds(partition)).next > 0) throw notEmpty(`partition ${partition} of the topic`);
}

function notEmpty(what: string): Fault {
  return new Fault('conflict', 'move.target_not_empty', `${what} holds data already: move into an empty deployment`);
}
