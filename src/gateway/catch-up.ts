import type { Cursor } from '../core/cursor.ts';
import { type ResetReason } from '../core/protocol.ts';
import type { Subscription } from '../core/subscription.ts';
import { sleep } from '../core/sleep.ts';
import type { EventsFrame } from './events-frame.ts';
import { replayCountsOf } from './replay-counts.ts';
import type { ReplayPages } from './replay-pages.ts';
import { sendReplayed } from './replay-spans.ts';
import { resolveCursor, type CursorSource } from './resolve-cursor.ts';
import type { TailPages } from './tail-pages.ts';

/** Between two looks at whether the dispatcher has found its way. */
const doubtMs = 50;

/** Where catch-up reads from: the log, and what is in memory. */
export interface CatchUpSource extends CursorSource {
  pages: Pick<ReplayPages, 'read'>;
  tailPages: Pick<TailPages, 'read'>;
}

/** The one that catches up: a socket's session, or any other that can be handed over to live without a seam. */
export interface Follower {
  /** How far it has got; kept up to date, so that an interrupted catch-up goes on from there. */
  progress: { cursor: Cursor | undefined };
  org: string;
  signal: AbortSignal;
  /** Called between two pages, and only there, with the position: whoever changes subscriptions does it now. */
  seam: (position: number) => readonly Subscription[];
  send: (message: EventsFrame) => void;
  reset: (reason: ResetReason, position: number) => void;
  /** Whether it may be given more without waiting. */
  hasRoom: () => boolean;
  drained: () => Promise<void>;
  /** Makes it live. Called in the same tick in which it has got everything up to the dispatcher's position. */
  join: (position: number) => void;
}

/**
 * Brings a follower to the dispatcher's position and makes it live there: no seam, no buffer. Between the last look at
 * `dispatcher.position` and `join` there is no await, so nothing can be emitted in between: nothing is missed or
 * doubled, and no live event has to be held back for it.
 */
export async function catchUp(source: CatchUpSource, follower: Follower): Promise<void> {
  const { dispatcher, pages, tailPages } = source;
  const { progress, org, signal } = follower;
  const count = replayCountsOf(dispatcher).catchUp();
  let { epoch, position } = progress.cursor
    ? await begin(source, follower, progress.cursor)
    : { epoch: dispatcher.epoch, position: dispatcher.present };

  while (!signal.aborted) {
    if (epoch !== dispatcher.epoch) {
      ({ epoch, position } = await begin(source, follower, { epoch, position }));
      continue;
    }
    progress.cursor = { epoch, position };
    const subscriptions = follower.seam(position);
    if (position > dispatcher.position) {
      // It comes from an instance that is ahead of this one.
      await dispatcher.reached(position, signal);
      continue;
    }
    const here = dispatcher.position;
    const since = Date.now();
    if (dispatcher.tail.covers(position)) {
      const page = tailPages.read(dispatcher.tail, org, subscriptions, position, { epoch, position: here });
      if (position < here) count('memory', page.count);
      for (const message of page.frames)
        sendReplayed(message, { org, source: 'memory', since }, follower.send);
      position = page.to;
      if (position === here && follower.hasRoom()) {
        follower.join(position);
        return;
      }
    } else {
      const page = await pages.read({ org, subscriptions, after: position, upTo: here, epoch, signal });
      if (signal.aborted) return;
      if (epoch !== dispatcher.epoch) continue;
      if (page.epoch !== epoch) {
        // The database has another history than the dispatcher knows of.
        dispatcher.doubt(page.epoch);
        await sleep(doubtMs, signal);
        continue;
      }
      if (page.floor > position + 1) {
        position = dispatcher.present;
        reset(dispatcher, follower, 'expired', position);
        continue;
      }
      count('log', page.count);
      for (const message of page.frames) sendReplayed(message, { org, source: 'log', since }, follower.send);
      position = page.to;
    }
    progress.cursor = { epoch, position };
    await follower.drained();
  }
}

async function begin(source: CatchUpSource, follower: Follower, cursor: Cursor): Promise<Cursor> {
  const resolved = await resolveCursor(source, cursor, follower.signal);
  if (!resolved || follower.signal.aborted) return cursor;
  const { epoch, position, reason } = resolved;
  if (reason !== undefined) reset(source.dispatcher, follower, reason, position);
  return { epoch, position };
}

/** The application loads its state again, after this; what comes after this position follows. */
function reset(dispatcher: object, follower: Follower, reason: ResetReason, position: number): void {
  replayCountsOf(dispatcher).reset(reason);
  follower.reset(reason, position);
}
