import { invalidEvent, isText } from './serialize-event.ts';
import { rowsIn, type Transaction } from './transaction.ts';

/**
 * Marks a message as handled, inside the caller's transaction: true for the first transaction that commits the key,
 * false for every later one. While another transaction has marked it and not ended, it waits for that one's end.
 *
 * For handlers whose effects are elsewhere: a mail, a payment, another system. What a handler writes to this database
 * needs no mark but its transaction. An effect elsewhere cannot be part of the transaction, so its place says what a
 * crash between the two does:
 * - *Effect, then commit*, as in the example: at least once. A crash in between rolls the mark back, and the effect
 *   comes again with the retry. Hand the key on as the other side's idempotency key, if it has such a thing.
 * - *Mark, commit, then the effect*: at most once. A crash in between leaves the mark without the effect, for ever.
 *
 * @param tx the transaction of drizzle, postgres.js, Kysely or Knex, a `pg` client inside a transaction, or anything with
 *   `query(text, values)`; outside a transaction the mark is committed at once
 * @param key names the handler and the message, for there is one set of keys in a database. 1 to 255 characters; kept
 *   for 30 days (`COMMITCAST_KEY_RETENTION`): a message that is retried later than that counts as new
 * @throws {CommitcastError} `EVENT_INVALID` for a key of another form
 *
 * @example
 * await db.transaction(async (tx) => {
 *   const key = `charge:${event.id}`;
 *   if (await once(tx, key)) await payments.charge(event.data, { idempotencyKey: key });
 * });
 */
export async function once(tx: Transaction, key: string): Promise<boolean> {
  if (!isText(key)) throw invalidEvent('key has 1 to 255 characters, none of them a control character');
  const [row] = await rowsIn<{ first: boolean }>(tx, ['select commitcast.once(', '::text) as first'], [key]);
  return row?.first === true;
}
