import { Command, CommanderError } from 'commander';
import { createClient } from './client.ts';
import { auditCommand } from './commands/audit.ts';
import { balanceCommand } from './commands/balance.ts';
import { clockCommand } from './commands/clock.ts';
import { customerCommand } from './commands/customer.ts';
import { entitlementCommand } from './commands/entitlement.ts';
import { creditNoteCommand } from './commands/credit-note.ts';
import { eventCommand } from './commands/event.ts';
import { grantCommand } from './commands/grant.ts';
import { importCommand } from './commands/import.ts';
import { invoiceCommand } from './commands/invoice.ts';
import { keyCommand } from './commands/key.ts';
import { logCommand } from './commands/log.ts';
import { migrateCommand } from './commands/migrate.ts';
import { meterCommand } from './commands/meter.ts';
import { planCommand } from './commands/plan.ts';
import { priceCommand } from './commands/price.ts';
import { queueCommand } from './commands/queue.ts';
import { reconcileCommand } from './commands/reconcile.ts';
import { sandboxCommand } from './commands/sandbox.ts';
import { spendCommand } from './commands/spend.ts';
import { subscriptionCommand } from './commands/subscription.ts';
import { usageCommand } from './commands/usage.ts';
import { connectionOf, type Environment } from './connection.ts';
import { CliError } from './errors.ts';
import { errorText } from './render/error.ts';
import { type AddCommand, examples, type Session } from './session.ts';
import type { Terminal } from './terminal.ts';

const COMMANDS: readonly AddCommand[] = [
  eventCommand,
  importCommand,
  meterCommand,
  planCommand,
  customerCommand,
  subscriptionCommand,
  usageCommand,
  spendCommand,
  invoiceCommand,
  creditNoteCommand,
  priceCommand,
  grantCommand,
  balanceCommand,
  entitlementCommand,
  reconcileCommand,
  queueCommand,
  keyCommand,
  auditCommand,
  clockCommand,
  sandboxCommand,
];

/** Runs the command. Answers its exit code: 0, or 1 (the answer is no), or 2 (it could not be asked). Never rejects. */
export async function runCli(args: readonly string[], terminal: Terminal, env: Environment): Promise<number> {
  try {
    await programOf(terminal, env).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.tell(errorText(error, terminal));
    return error instanceof CliError ? error.exitCode : 2;
  }
}

function programOf(terminal: Terminal, env: Environment): Command {
  const program = new Command('meterline')
    .description('Sends usage to a running Meterline server, asks it, and has it prove its figures.')
    .option('--url <url>', 'the server; default METERLINE_URL, else http://127.0.0.1:8080')
    .option('--key <key>', 'API key; default METERLINE_API_KEY, else the admin key in METERLINE_DATA or ./data')
    .option('--json', "print the server's answer as JSON")
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.print(text.trimEnd()), writeErr: (text) => terminal.tell(text.trimEnd()) })
    .showHelpAfterError('(--help shows how it is used)')
    .addHelpText(
      'after',
      examples(
        'meterline event send --type llm.call --subject acme --data \'{"tokens":"812"}\'',
        'meterline spend acme',
        'meterline reconcile',
      ),
    )
    .addHelpText('after', '\nExit codes: 0 done; 1 the server says no, or figures differ; 2 it could not be asked.');

  const open = async (): Promise<Session> => {
    const { json, ...connection } = program.opts<{ url?: string; key?: string; json?: boolean }>();
    return {
      client: createClient(await connectionOf(connection, env)),
      terminal,
      show: (answer, render) => terminal.print(json === true ? JSON.stringify(answer, null, 2) : render()),
    };
  };
  for (const add of [...COMMANDS, migrateCommand(terminal, env), logCommand(terminal, env)]) add(program, open);
  return program;
}
