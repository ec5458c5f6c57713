import { CommitcastError } from '../core/errors.ts';
import { isIdentifier } from '../core/identifier.ts';
import { rowsIn, type Transaction } from './transaction.ts';

/** What a user loses: an org; or a site of it; or a unit of it. */
export interface Revocation {
  org: string;
  user: string;
  site?: string;
  unit?: string;
}

const keys = new Set(['org', 'user', 'site', 'unit']);

/**
 * Takes a right away inside the caller's transaction, at its place in the order: nothing that is committed after it
 * reaches the user, on no instance. Tokens issued before it stay refused: of the whole org with `ORG_FORBIDDEN`, of a
 * site or unit with `SUBSCRIPTION_DENIED`. With 5 s of tolerance for the clocks; one without `iat` counts as older. Sessions of the user are told (`revoked`), and closed when they lose the org.
 *
 * A site takes `{ deep: true }` of the org with it, for that shows the site, too; a unit also `{ site, deep: true }` of
 * every site, or of `site` alone when it is given. A right to a unit is a right of its own: losing a site leaves it.
 * From SQL: `select commitcast.revoke(org_id, user_id, site_id, unit_id)`. Deleting a `membership` does the same.
 *
 * @returns the id of the control event
 * @throws {CommitcastError} `EVENT_INVALID` or `TOO_MANY_EVENTS`
 *
 * @example
 * await db.transaction(async (tx) => {
 *   await tx.delete(member).where(eq(member.userId, 'kim'));
 *   await revoke(tx, { org: 'acme', user: 'kim' });
 * });
 */
export async function revoke(tx: Transaction, revocation: Revocation): Promise<string> {
  const { org, user, site, unit } = checked(revocation);
  const parts = ['select commitcast.revoke(', ', ', ', ', ', ', ') as id'];
  const [row] = await rowsIn<{ id: string }>(tx, parts, [org, user, site ?? null, unit ?? null]);
  if (!row) throw new Error('commitcast.revoke() returned nothing');
  return row.id;
}

function checked(revocation: Revocation): Revocation {
  if (typeof revocation !== 'object' || revocation === null) throw invalid('a revocation is an object');
  // A misspelt `site` would take the whole org away.
  const unknown = Object.keys(revocation).find((key) => !keys.has(key));
  if (unknown !== undefined) throw invalid(`unknown field ${JSON.stringify(unknown)}`);
  const { org, user, site, unit } = revocation;
  for (const [name, value] of Object.entries({ org, site, unit })) {
    // One that is there and undefined was meant to be something: without it the whole org would go.
    if (isIdentifier(value) || !Object.hasOwn(revocation, name)) continue;
    throw invalid(`${name} has 1 to 128 characters of A-Z a-z 0-9 . _ ~ -`);
  }
  if (typeof user !== 'string' || user === '' || user.includes('\0')) throw invalid('user is required');
  return revocation;
}

function invalid(message: string): CommitcastError {
  return new CommitcastError('EVENT_INVALID', message);
}
