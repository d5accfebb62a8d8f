import { type ChangePorts, changedSince, decideChange, makeChange, type MadeChange } from './changes.ts';
import type { ChangeOrToken } from './request.ts';
import { refuseIfChanged, requestOf } from './token.ts';

/**
 * Makes a change, under an id that is given or a new one. By the token of a preview it makes exactly what was shown, or fails with
 * `subscription.changed_since`.
 */
export async function executeChange(
  ports: ChangePorts,
  id: string,
  input: ChangeOrToken,
  tenant: string,
  changeId?: string,
): Promise<MadeChange> {
  if (!('token' in input)) return makeChange(ports, await decideChange(ports, id, input, tenant, { change: changeId }), tenant);
  const { request, basis } = requestOf(input.token, id);
  const version = (await ports.subscriptions.byId(id, tenant))?.version;
  // Said before anything else: what was shown may not even be possible any more.
  if (version !== undefined && version !== basis.version)
    throw changedSince([
      { path: 'version', message: `version of the subscription: ${basis.version} when it was previewed, ${version} now` },
    ]);
  const decided = await decideChange(ports, id, request, tenant, { change: changeId });
  refuseIfChanged(basis, decided);
  return makeChange(ports, decided, tenant);
}
