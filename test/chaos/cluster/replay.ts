import { openClickhouse } from '@meterline/backends/clickhouse';
import { SERVICES, type Cluster } from '../../cluster/index.ts';
import { runToEnd } from '../../cluster/service-process.ts';

/**
 * Has the topic counted anew from its start, as after the loss of the whole usage store: every service is stopped, the usage store is made again,
 * empty, and the topic becomes a new log. Catalog, alerts and invoices stay.
 */
export async function replayTopic(cluster: Cluster, onLine: (line: string) => void): Promise<void> {
  await everyProcess(cluster, async (service, index) => {
    const code = await cluster.end(service, index);
    if (code !== 0) throw new Error(`${service} ${index} ended with ${code}`);
  });
  await dropUsage(cluster);
  await cluster.migrate();
  await runToEnd({ main: 'services/aggregator/src/replay-main.ts', env: cluster.env, onLine });
  await everyProcess(cluster, (service, index) => cluster.start(service, index));
}

async function everyProcess(
  { urls }: Cluster,
  work: (service: (typeof SERVICES)[number], index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(SERVICES.flatMap((service) => urls[service].map((_, index) => work(service, index))));
}

async function dropUsage({ env }: Cluster): Promise<void> {
  const { client, close } = await openClickhouse({
    urls: [env['METERLINE_CLICKHOUSE_URL'] ?? ''],
    username: env['METERLINE_CLICKHOUSE_USER'] ?? '',
    password: env['METERLINE_CLICKHOUSE_PASSWORD'] ?? '',
    database: 'default',
  });
  await client.command({ query: `drop database ${env['METERLINE_CLICKHOUSE_DATABASE']} sync` }).finally(close);
}
