import { instantArgument } from '../instants.ts';
import { route } from '../client.ts';
import { allItems } from '../pages.ts';
import { table } from '../render/table.ts';
import { type AddCommand, examples } from '../session.ts';

interface Sandbox {
  readonly key: string;
  readonly name: string;
  readonly now: string;
  readonly movingTo: string | null;
}

export const sandboxCommand: AddCommand = (program, open) => {
  const sandbox = program.command('sandbox').description('tenants with a clock of their own, to try things out in');

  sandbox
    .command('create')
    .argument('<key>', 'what it is called')
    .option('--name <name>', 'default: the key')
    .option('--clock <instant>', 'where its clock begins: RFC 3339, or a date (midnight UTC); default now', instantArgument)
    .description('create a sandbox; its admin key is shown this once')
    .addHelpText(
      'after',
      examples('meterline sandbox create year --clock 2026-01-01', 'meterline --key mk_test_... clock set 2026-04-01'),
    )
    .action(async (key: string, { name = key, clock }: { name?: string; clock?: string }) => {
      const { client, terminal, show } = await open();
      const created = (await client.post('/v1/sandboxes', { key, name, clock })) as Sandbox & { apiKey: string };
      show(created, () => created.apiKey);
      terminal.tell(`The admin key of sandbox "${key}", whose clock is at ${created.now}. Keep it: it is not shown again.`);
    });

  sandbox
    .command('list')
    .description('list sandboxes, and where their clocks are')
    .addHelpText('after', examples('meterline sandbox list'))
    .action(async () => {
      const { client, show } = await open();
      const sandboxes = (await allItems(client, '/v1/sandboxes')) as Sandbox[];
      show(sandboxes, () =>
        table(
          [{ title: 'key' }, { title: 'name' }, { title: 'now' }, { title: 'moving to' }],
          sandboxes.map(({ key, name, now, movingTo }) => [key, name, now, movingTo ?? '']),
        ),
      );
    });

  sandbox
    .command('delete')
    .argument('<key>', 'what it is called')
    .description('delete a sandbox with all its data; its keys stop working at once')
    .addHelpText('after', examples('meterline sandbox delete year'))
    .action(async (key: string) => {
      const { client, terminal } = await open();
      await client.delete(route`/v1/sandboxes/${key}`);
      terminal.tell(`Sandbox "${key}" is deleted.`);
    });
};
