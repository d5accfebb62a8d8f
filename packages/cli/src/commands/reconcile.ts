import { ApiError, CliError } from '../errors.ts';
import { type Reconciliation, reconciliationText } from '../render/reconciliation.ts';
import { type AddCommand, examples } from '../session.ts';

export const reconcileCommand: AddCommand = (program, open) => {
  program
    .command('reconcile')
    .description('compare log, ledger, usage and invoices: every invariant with its counts')
    .addHelpText('after', examples('meterline reconcile', 'meterline reconcile --json | jq .holds'))
    .addHelpText('after', '\nExit codes: 0 everything holds; 1 something differs; 2 the server could not be asked.')
    .action(async () => {
      const { client, terminal, show } = await open();
      const answer = await client.get('/v1/reconciliation').catch((error: unknown) => {
        // 1 is kept for differences, so that a script can tell them from a server that refuses.
        throw error instanceof ApiError && error.exitCode === 1
          ? new CliError(2, error.code, error.message, { cause: error })
          : error;
      });
      const reconciliation = answer as Reconciliation;
      show(reconciliation, () => reconciliationText(reconciliation, terminal));
      if (reconciliation.holds) return;
      const broken = reconciliation.invariants.filter(({ holds }) => !holds).length;
      throw new CliError(1, 'reconciliation.differs', `${broken} of ${reconciliation.invariants.length} invariants do not hold.`);
    });
};
