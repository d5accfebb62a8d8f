import type { AcceptanceWindow, FeedingMeter, LedgerConfig, SqlExecutor } from '@meterline/pipeline/ports';
import { meterOf, type MeterRow } from '../meter-row.ts';

interface FeedingRow extends MeterRow {
  readonly origin: number | null;
}

export async function configVersion(sql: SqlExecutor): Promise<number> {
  const [row] = await sql.query<{ version: string }>(`select version from meter_config`);
  return Number(row?.version);
}

/** The configuration as it stood at `version`, whatever was changed since. */
export async function configAt(sql: SqlExecutor, version: number): Promise<LedgerConfig> {
  const meters = await sql.query<FeedingRow>(
    `select meter.*, meter_backfill.id as origin
     from meter left join meter_backfill
       on meter_backfill.tenant = meter.tenant and meter_backfill.meter = meter.key and meter_backfill.config_version <= $1
     where meter.created_version <= $1 order by meter.tenant, meter.key`,
    [version],
  );
  const [window] = await sql.query<{ past_ms: string; future_ms: string }>(
    `select past_ms, future_ms from acceptance_window where config_version <= $1 order by config_version desc limit 1`,
    [version],
  );
  if (window === undefined) throw new Error(`configuration ${version} has no acceptance window`);
  const acceptance = { pastMs: Number(window.past_ms), futureMs: Number(window.future_ms) };
  return { version, acceptance, meters: meters.map((row) => feedingMeter(row, version)) };
}

/** Every process sets it at its start: they take turns at the version's row, and all but the first find it set. */
export async function setAcceptance(tx: SqlExecutor, { pastMs, futureMs }: AcceptanceWindow): Promise<void> {
  await tx.query(`select version from meter_config for update`);
  const [current] = await tx.query<{ past_ms: string; future_ms: string }>(
    `select past_ms, future_ms from acceptance_window order by config_version desc limit 1`,
  );
  if (current && Number(current.past_ms) === pastMs && Number(current.future_ms) === futureMs) return;
  const version = current ? `(select version from bumped)` : `1`;
  await tx.query(
    `with bumped as (update meter_config set version = version + $3 returning version)
     insert into acceptance_window (config_version, past_ms, future_ms) select ${version}, $1, $2 from bumped`,
    [pastMs, futureMs, current ? 1 : 0],
  );
}

function feedingMeter(row: FeedingRow, version: number): FeedingMeter {
  const meter = meterOf(row);
  return {
    ...meter,
    archivedVersion: meter.archivedVersion !== null && meter.archivedVersion > version ? null : meter.archivedVersion,
    backfill: row.origin === null ? null : { origin: row.origin },
  };
}
