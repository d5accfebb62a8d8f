import { route } from '../client.ts';
import { instantArgument } from '../instants.ts';
import { allItems } from '../pages.ts';
import { table } from '../render/table.ts';
import { type AddCommand, collect, examples } from '../session.ts';

interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly createdAt: string;
}

interface CreateOptions {
  readonly scope: readonly string[];
  readonly expiresAt?: string;
}

export const keyCommand: AddCommand = (program, open) => {
  const key = program.command('key').description('API keys');

  key
    .command('create')
    .argument('<name>', 'who or what will hold it')
    .requiredOption('--scope <scope>', 'ingest, read or admin; may be repeated', collect)
    .option('--expires-at <instant>', 'RFC 3339, or a date (midnight UTC)', instantArgument)
    .description('create an API key; its secret is shown this once')
    .addHelpText(
      'after',
      examples(
        'meterline key create "our product" --scope ingest',
        'meterline key create dashboard --scope read --expires-at 2027-01-01',
      ),
    )
    .action(async (name: string, { scope, expiresAt }: CreateOptions) => {
      const { client, terminal, show } = await open();
      const created = (await client.post('/v1/api-keys', { name, scopes: scope, expiresAt })) as ApiKey & { key: string };
      show(created, () => created.key);
      terminal.tell(`Key ${created.id} for "${created.name}" (${created.scopes.join(', ')}). Keep it: it is not shown again.`);
    });

  key
    .command('list')
    .description('list API keys, without their secrets')
    .addHelpText('after', examples('meterline key list'))
    .action(async () => {
      const { client, show } = await open();
      const keys = (await allItems(client, '/v1/api-keys')) as ApiKey[];
      show(keys, () => keyTable(keys));
    });

  key
    .command('revoke')
    .argument('<id>', 'as listed')
    .description('revoke an API key: from now on it opens nothing')
    .addHelpText('after', examples('meterline key revoke 3vKQm2Xo9aTzLw1B'))
    .action(async (id: string) => {
      const { client, show } = await open();
      const revoked = (await client.post(route`/v1/api-keys/${id}/revoke`)) as ApiKey;
      show(revoked, () => `Key ${revoked.id} ("${revoked.name}") is revoked.`);
    });
};

function keyTable(keys: readonly ApiKey[]): string {
  const state = ({ revokedAt, expiresAt }: ApiKey) =>
    revokedAt === null ? (expiresAt === null ? 'active' : `until ${expiresAt}`) : `revoked ${revokedAt}`;
  return table(
    [{ title: 'id' }, { title: 'name' }, { title: 'scopes' }, { title: 'state' }, { title: 'created' }],
    keys.map((key) => [key.id, key.name, key.scopes.join(', '), state(key), key.createdAt]),
  );
}
