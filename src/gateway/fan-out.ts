import type { Batch } from './batches.ts';
import { framesOf, type EventsFrame } from './events-frame.ts';

/** Who is in which rooms of this instance, by ids of outlets: the adapter's rooms, or those of streams. */
export interface RoomMembers {
  get(room: string): Iterable<string> | undefined;
}

export interface FanOutOptions {
  members: readonly RoomMembers[];
  /** Gives an outlet its messages, written once for all who get the same. Whether it has taken them. */
  deliver: (id: string, frames: readonly EventsFrame[]) => boolean;
  /** What one outlet does not take is no business of the others. Must not throw. */
  failed: (id: string, error: unknown) => void;
  epoch: () => string;
}

/** Batches one after the other. Outlets that get the same share it, and the messages that it is written as. */
class Chain {
  readonly batch: Batch;
  readonly #before: Chain | undefined;
  readonly #next = new Map<Batch, Chain>();
  #frames: readonly EventsFrame[] | undefined;

  constructor(batch: Batch, before: Chain | undefined) {
    this.batch = batch;
    this.#before = before;
  }

  /** This, and one more. */
  followedBy(batch: Batch): Chain {
    let next = this.#next.get(batch);
    if (!next) this.#next.set(batch, (next = new Chain(batch, this)));
    return next;
  }

  frames(epoch: string): readonly EventsFrame[] {
    if (this.#frames) return this.#frames;
    const batches: Batch[] = [];
    // oxlint-disable-next-line typescript/no-this-alias
    for (let chain: Chain | undefined = this; chain; chain = chain.#before) batches.push(chain.batch);
    this.#frames = framesOf(
      batches.reverse().flatMap(({ events }) => events),
      epoch,
    );
    return this.#frames;
  }
}

/**
 * Live delivery: gathers what each outlet gets until the next flush, and writes it once: one message for all of the
 * events, one encoding for all outlets that get the same, one write for each outlet.
 *
 * Whoever may change who is in which room, or what has been sent to somebody, flushes first.
 */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #pending = new Map<string, Chain>();

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  /** To the union of its rooms, each outlet once. Returns how many they are. */
  add(batch: Batch): number {
    const first = new Chain(batch, undefined);
    let outlets = 0;
    for (const members of this.#options.members)
      for (const room of batch.rooms)
        for (const id of members.get(room) ?? []) {
          const chain = this.#pending.get(id);
          if (chain?.batch === batch) continue;
          this.#pending.set(id, chain ? chain.followedBy(batch) : first);
          outlets += 1;
        }
    return outlets;
  }

  /** Returns how many messages were taken. */
  flush(): number {
    if (this.#pending.size === 0) return 0;
    const { deliver, failed, epoch } = this.#options;
    const present = epoch();
    const pending = [...this.#pending];
    this.#pending.clear();
    let messages = 0;
    for (const [id, chain] of pending) {
      try {
        const frames = chain.frames(present);
        if (deliver(id, frames)) messages += frames.length;
      } catch (error) {
        failed(id, error);
      }
    }
    return messages;
  }
}
