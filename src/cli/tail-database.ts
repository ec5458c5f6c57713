import { formatCursor, parseCursor } from '../core/cursor.ts';
import { CommitcastError } from '../core/errors.ts';
import { silentLogger } from '../core/logger.ts';
import { sleep } from '../core/sleep.ts';
import { connect } from '../db/connection.ts';
import type { Executor } from '../db/executor.ts';
import { readEpochEnd } from '../log/epoch.ts';
import { readHead, type Head } from '../log/head.ts';
import { readRange } from '../log/read-range.ts';
import { readRooms } from '../log/read-rooms.ts';
import { eventOf } from '../log/wire-event.ts';
import { SettledReader } from '../log/settled-reader.ts';
import type { TailRequest } from './tail-request.ts';

/** A person reads along; and a relay that is awake would not let writers notify us anyway. */
const pollIntervalMs = 100;
const pageSize = 500;

/** Follows the log itself, settled reading included: it needs no server. */
export async function tailDatabase(connectionString: string, request: TailRequest): Promise<void> {
  const { signal } = request;
  const connection = await connect({
    connectionString,
    applicationName: 'commitcast-tail',
    logger: silentLogger,
  });
  try {
    const { client: db } = connection;
    const head = await readHead(db);
    let position = await beginning(db, head, request);
    const reader = new SettledReader(Math.min(position, head.published));
    while (!signal.aborted) {
      await reader.advance(db);
      while (position < reader.head && !signal.aborted)
        position = await printPage(db, head.epoch, position, reader.head, request);
      await sleep(pollIntervalMs, signal);
    }
  } finally {
    await connection.close();
  }
}

async function beginning(
  db: Executor,
  { epoch, floor, last }: Head,
  { cursor, fromStart }: TailRequest,
): Promise<number> {
  if (cursor === undefined) return fromStart ? floor - 1 : last;
  const { epoch: seen, position } = parseCursor(cursor);
  const end = seen === epoch ? last : await readEpochEnd(db, seen);
  if (end === undefined || position > end)
    throw new CommitcastError('CURSOR_INVALID', 'The cursor is not of the history of this database');
  if (position + 1 < floor)
    throw new CommitcastError(
      'CURSOR_INVALID',
      'What follows the cursor is not kept any more; --from-start shows what is',
    );
  return position;
}

async function printPage(
  db: Executor,
  epoch: string,
  after: number,
  upTo: number,
  { org, subscription, print }: TailRequest,
): Promise<number> {
  if (org === undefined || subscription === undefined) {
    const { entries, to, floor } = await readRange(db, after, upTo);
    refuseHole(floor, after);
    for (const { event, control } of entries)
      if (!control) print(event, formatCursor({ epoch, position: event.position }));
    return to;
  }
  const page = await readRooms(db, { org, subscriptions: [subscription], after, upTo, limit: pageSize });
  refuseHole(page.floor, after);
  for (const event of page.events) print(eventOf(event), formatCursor({ epoch, position: event.position }));
  return page.to;
}

function refuseHole(floor: number, after: number): void {
  if (floor <= after + 1) return;
  throw new CommitcastError(
    'CURSOR_INVALID',
    'Retention was faster than this tail; --from-start shows what is left',
  );
}
