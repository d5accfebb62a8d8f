import { onEngines } from '../engines/index.ts';
import { openTestClickhouseServer } from '../support/clickhouse.ts';
import { aggregationContract } from './aggregation.contract.ts';
import { clickhouseClientContract } from './clickhouse-client.contract.ts';

await onEngines('the usage store on ClickHouse over HTTP', ['clickhouse'], ({ clickhouse: { url } }) => {
  clickhouseClientContract('ClickHouse over HTTP', () => openTestClickhouseServer(url));

  aggregationContract('ClickHouse over HTTP', () => openTestClickhouseServer(url));
});
