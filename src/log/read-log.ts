import { parseCursor } from '../core/cursor.ts';
import type { DefinedEvent, EventDefinitions, Schemas } from '../core/define-events.ts';
import { CommitcastError } from '../core/errors.ts';
import type { CommitcastEvent } from '../core/event.ts';
import { isIdentifier } from '../core/identifier.ts';
import { sleep } from '../core/sleep.ts';
import { parseSubscription, type Subscription } from '../core/subscription.ts';
import type { Executor } from '../db/executor.ts';
import { readEpochEnd } from './epoch.ts';
import { readHead, type Head } from './head.ts';
import { readPage } from './read-page.ts';
import { requireWhole } from './read-stream.ts';
import { readTransaction } from './read-transaction.ts';
import { invalidEvent, isText } from './serialize-event.ts';
import { SettledReader } from './settled-reader.ts';
import { executorOf, type Transaction } from './transaction.ts';

export interface ReadLogOptions {
  /** Where to go on: a cursor, or the position of the last event seen. Default: before the oldest event that is kept. */
  after?: string | number | undefined;
  /** What a subscription sees, such as `{ org: 'acme', site: 's1', deep: true }`. Default: all orgs. */
  scope?: ({ org: string } & Subscription) | undefined;
  /** Default: all types. */
  types?: readonly string[] | undefined;
  /** Events at most. Default: no limit. */
  limit?: number | undefined;
  /** Checks each event, and gives its data as the newest version has it. Default: as it was written. */
  events?: EventDefinitions | undefined;
  /** Ends the reading: the iteration rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

const pageEvents = 500;
/** Between two looks at a commit in progress: most last a millisecond or two. */
const pauseMs = 5;

/**
 * The events of the log in commit order, from a place in it up to what was in it when the reading began. Only what is
 * settled: an event whose commit is in progress below an event that is visible already is waited for, never skipped.
 * Constant memory, and short statements, however rare what is asked for. Control events are not events of anybody.
 *
 * @param db of the primary: a drizzle database or transaction, a `pg` pool or client, or anything with `query(text, values)`
 * @throws {CommitcastError} `HISTORY_EXPIRED` when what follows `after` is not kept any more, or is dropped by retention
 *   before it was read; `CURSOR_INVALID` for an `after` that is not of this history; `SUBSCRIPTION_INVALID`,
 *   `EVENT_INVALID` or `LIMIT_INVALID` for a scope, types or a limit of another form; `UNAVAILABLE` when the history is
 *   replaced meanwhile, or no instance has opened its epoch yet; `SNAPSHOT_UNSETTLED` in a REPEATABLE READ transaction
 *   whose snapshot was taken while a commit was in progress: it could be waited for without end; with `events`, as their
 *   `parse`
 *
 * @example
 * for await (const event of readLog(db, { scope: { org: 'acme', deep: true }, types: ['door.opened'] }))
 *   console.log(event.position, event.unit);
 */
export function readLog<Of extends Schemas>(
  db: Transaction,
  options: ReadLogOptions & { events: EventDefinitions<Of> },
): AsyncGenerator<DefinedEvent<Of>, void, undefined>;
export function readLog(
  db: Transaction,
  options?: ReadLogOptions,
): AsyncGenerator<CommitcastEvent, void, undefined>;
export async function* readLog(
  db: Transaction,
  options: ReadLogOptions = {},
): AsyncGenerator<CommitcastEvent, void, undefined> {
  const { limit = Infinity, signal, events } = options;
  const filters = checkFilters(options);
  if (limit !== Infinity) requireWhole('limit', limit, 1);

  const executor = executorOf(db);
  const head = await readHead(executor);
  let position = await beginning(executor, head, options.after);
  // What is at or before the beginning is not read, so it need not be settled.
  const reader = new SettledReader(Math.max(position, head.published));
  const frozen = await isFrozen(executor);
  let left = limit;
  while (position < head.last) {
    signal?.throwIfAborted();
    if (position >= reader.head) {
      await advance(reader, executor, frozen, signal);
      continue;
    }
    const upTo = Math.min(reader.head, head.last);
    const range = { after: position, upTo, limit: Math.min(pageEvents, left), ...filters };
    const { entries, to, floor, epoch } = await readPage(executor, range);
    if (floor > position + 1) throw expired(position, floor);
    if (epoch !== head.epoch)
      throw new CommitcastError(
        'UNAVAILABLE',
        'The history of the database was replaced, or no instance has opened its epoch yet',
      );
    for (const { event, control } of entries) {
      if (control) continue;
      yield events ? events.parse(event) : event;
      left -= 1;
      if (left === 0) return;
    }
    position = to;
  }
}

function checkFilters({ scope, types }: ReadLogOptions): Pick<ReadLogOptions, 'scope' | 'types'> {
  if (types !== undefined && !(Array.isArray(types) && types.every(isText)))
    throw invalidEvent('types is an array of types of events');
  if (scope === undefined) return { types };
  const { org, ...subscription } = scope;
  if (!isIdentifier(org)) throw new CommitcastError('SUBSCRIPTION_INVALID', 'scope.org is not an id');
  return { types, scope: { org, ...parseSubscription(subscription) } };
}

async function beginning(db: Executor, head: Head, after: string | number | undefined): Promise<number> {
  if (after === undefined) return head.floor - 1;
  let position: number;
  let end: number | undefined = head.last;
  if (typeof after === 'string') {
    const cursor = parseCursor(after);
    position = cursor.position;
    if (cursor.epoch !== head.epoch) end = await readEpochEnd(db, cursor.epoch);
  } else {
    position = after;
  }
  if (end === undefined || position > end || !Number.isSafeInteger(position) || position < 0)
    throw new CommitcastError('CURSOR_INVALID', '`after` is not of the history of this database');
  if (position + 1 < head.floor) throw expired(position, head.floor);
  return position;
}

/** Whether all statements see one snapshot: what is in progress in it stays so. */
async function isFrozen(db: Executor): Promise<boolean> {
  const { mark, readCommitted } = await readTransaction(db);
  return !readCommitted && mark === (await readTransaction(db)).mark;
}

async function advance(
  reader: SettledReader,
  db: Executor,
  frozen: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const before = reader.head;
  await reader.advance(db);
  // Looked at before the reader's patience with a gap is over: it might take for dead what the snapshot hides.
  if (frozen && reader.waiting) throw new CommitcastError('SNAPSHOT_UNSETTLED');
  if (reader.head === before) await sleep(pauseMs, signal);
}

function expired(after: number, floor: number): CommitcastError {
  return new CommitcastError(
    'HISTORY_EXPIRED',
    `What follows position ${after} was asked for, and the oldest that is kept is ${floor}`,
  );
}
