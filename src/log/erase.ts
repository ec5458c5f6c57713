import { CommitcastError } from '../core/errors.ts';
import { isIdentifier } from '../core/identifier.ts';
import { isText } from './serialize-event.ts';
import { rowsIn, type Transaction } from './transaction.ts';

/** What is erased: all that an org has said so far, or one of its streams. */
export interface Erasure {
  org: string;
  stream?: string;
  /** For the audit; at most 1,000 characters. It is kept, so it names nobody. */
  reason?: string | undefined;
}

const keys = new Set(['org', 'stream', 'reason']);
const maxReasonLength = 1_000;

/**
 * Erases the `data` and `meta` of past events inside the caller's transaction. `data` becomes `{ $erased: id }`
 * (`isErased`); position, id, type, scope, stream, version and time stay. Its place in the order decides: events before
 * it are erased, events after it are not. Saved states of the streams are deleted. Events that were committed beside it
 * follow when the relay has settled all before it, within some seconds.
 *
 * It waits for transactions that have appended to the streams, and they wait for it. No role but the owner may call it
 * until it is told so: `grant execute on function commitcast.erase(text, text, text) to …`. What is not erased:
 * docs/erasure.md. From SQL: `select commitcast.erase(org_id, stream, reason)`; there, a null `stream` is all of the org.
 *
 * @returns the id of the control event, and of the row in `commitcast.erasure`
 * @throws {CommitcastError} `EVENT_INVALID` or `TOO_MANY_EVENTS`
 *
 * @example
 * await db.transaction(async (tx) => {
 *   await tx.delete(customer).where(eq(customer.id, 'c-17'));
 *   await erase(tx, { org: 'acme', stream: 'customer-c-17', reason: 'ticket 4711' });
 * });
 */
export async function erase(tx: Transaction, erasure: Erasure): Promise<string> {
  const { org, stream, reason } = checked(erasure);
  const parts = ['select commitcast.erase(', ', ', ', ', ') as id'];
  const [row] = await rowsIn<{ id: string }>(tx, parts, [org, stream ?? null, reason ?? null]);
  if (!row) throw new Error('commitcast.erase() returned nothing');
  return row.id;
}

function checked(erasure: Erasure): Erasure {
  if (typeof erasure !== 'object' || erasure === null) throw invalid('an erasure is an object');
  // A misspelt `stream` would erase the whole org.
  const unknown = Object.keys(erasure).find((key) => !keys.has(key));
  if (unknown !== undefined) throw invalid(`unknown field ${JSON.stringify(unknown)}`);
  const { org, stream, reason } = erasure;
  if (!isIdentifier(org)) throw invalid('org has 1 to 128 characters of A-Z a-z 0-9 . _ ~ -');
  // One that is there and undefined was meant to be something: without it the whole org would go.
  if (!isText(stream) && Object.hasOwn(erasure, 'stream'))
    throw invalid('stream has 1 to 255 characters, none of them a control character');
  if (reason !== undefined && !isReason(reason))
    throw invalid(`reason has at most ${maxReasonLength} characters`);
  return erasure;
}

function isReason(value: unknown): boolean {
  return typeof value === 'string' && value.length <= maxReasonLength && !value.includes('\0');
}

function invalid(message: string): CommitcastError {
  return new CommitcastError('EVENT_INVALID', message);
}
