import type { Executor } from '../../src/db/executor.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { CatchUpSource, Follower } from '../../src/gateway/catch-up.ts';
import { framesOf } from '../../src/gateway/events-frame.ts';
import { Tail, sizeOf } from '../../src/gateway/tail.ts';
import { TailPages } from '../../src/gateway/tail-pages.ts';
import { readRooms } from '../../src/log/read-rooms.ts';
import { maxBatchEvents } from '../../src/core/protocol.ts';
import type { WireEvent } from '../../src/log/wire-event.ts';

export const epoch = 'abcdefgh';
const bytes = sizeOf({ bytes: 100 } as WireEvent);

function wireOf(event: CommitcastEvent): WireEvent {
  return { ...event, stream: undefined, json: JSON.stringify(event), bytes: 100 };
}

export function pagesOf(db: Executor): CatchUpSource['pages'] {
  return {
    read: async (range) => {
      const { events, ...page } = await readRooms(db, { ...range, limit: maxBatchEvents });
      return { ...page, count: events.length, frames: framesOf(events, page.epoch ?? '', page.to) };
    },
  };
}

/**
 * A log and a dispatcher of which a test decides every step. Everything that a follower awaits, a page or a drain, is
 * a place at which more is committed and delivered, as often as the plan says.
 */
export class World {
  readonly log: CommitcastEvent[] = [];
  readonly got: number[] = [];
  /** What the dispatcher had delivered in the tick of `join`. */
  joinedAt: { position: number; dispatcher: number } | undefined;
  readonly #plan: Iterator<number>;
  readonly #tail: Tail;
  #position = 0;
  #next = 0;

  constructor(plan: readonly number[], tailEvents: number) {
    this.#plan = plan[Symbol.iterator]();
    this.#tail = new Tail(0, tailEvents * bytes);
  }

  get dispatcher() {
    const read = () => this.#position;
    return {
      epoch,
      get position() {
        return read();
      },
      get present() {
        return read();
      },
      tail: this.#tail,
      reached: async (position: number) => {
        while (this.#position < position) await this.meanwhile(1);
      },
      doubt: () => undefined,
      nextEpoch: () => Promise.resolve(),
    };
  }

  /** Other people's work: commits, dead positions, deliveries. */
  async meanwhile(least = 0): Promise<void> {
    const steps = Math.max(this.#plan.next().value ?? 0, least);
    for (let step = 0; step < steps; step++) {
      if (step % 3 === 2) await Promise.resolve();
      this.deliver(this.#next++);
    }
    await Promise.resolve();
  }

  deliver(n: number): void {
    this.#position++;
    if (n % 5 === 4) return; // a dead position
    const event: CommitcastEvent = {
      position: this.#position,
      id: `id-${n}`,
      type: 'test',
      org: n % 7 === 3 ? 'other' : 'acme',
      ...(n % 3 === 1 ? { unit: 'u1' } : {}),
      time: '2026-01-01T00:00:00.000Z',
      data: null,
    };
    this.log.push(event);
    this.#tail.append(wireOf(event));
    if (this.joinedAt && this.#sees(event)) this.got.push(event.position);
  }

  /** Answers the statement of `readRooms` from the log in memory. */
  readonly db = {
    query: async (_text: string, values: readonly unknown[] = []) => {
      const [org, after, upTo, limit] = values as [string, number, number, number];
      const found = this.log
        .filter((event) => event.org === org && event.position > after && event.position <= upTo)
        .filter((event) => this.#sees(event))
        .slice(0, Math.min(limit, 3));
      const all = this.log.filter(
        (event) => event.position > after && event.position <= upTo && this.#sees(event),
      );
      await this.meanwhile();
      const page = { floor: '1', epoch, wanted: String(Math.min(all.length, limit)) };
      const rows = found.map((event) => ({ ...rowOf(event), floor: null, epoch: null, wanted: null }));
      return { rows: [empty(page), ...rows] };
    },
  };

  readonly tailPages = new TailPages();

  /** Each asks for itself here; who shares pages is tested apart. */
  readonly pages = pagesOf(this.db);

  follower(after: number | undefined): Follower {
    const signal = new AbortController().signal;
    return {
      progress: { cursor: after === undefined ? undefined : { epoch, position: after } },
      org: 'acme',
      signal,
      seam: () => [{}],
      send: (message) => {
        const [events] = message.values as [CommitcastEvent[], string];
        this.got.push(...events.map(({ position }) => position));
      },
      reset: (reason) => {
        throw new Error(`reset ${reason}`);
      },
      hasRoom: () => {
        // What the dispatcher does next: a join that is not made in this very tick comes too late for it.
        queueMicrotask(() => {
          this.deliver(this.#next++);
        });
        return (this.#plan.next().value ?? 0) % 4 !== 3;
      },
      drained: () => this.meanwhile(),
      join: (position) => {
        this.joinedAt = { position, dispatcher: this.#position };
      },
    };
  }

  seenAfter(position: number): number[] {
    return this.log
      .filter((event) => event.position > position && this.#sees(event))
      .map((event) => event.position);
  }

  #sees({ org, unit }: CommitcastEvent): boolean {
    return org === 'acme' && unit === undefined;
  }
}

const rowOf = (event: CommitcastEvent) => ({
  position: String(event.position),
  id: event.id,
  org_id: event.org,
  site_id: null,
  unit_id: null,
  type: event.type,
  data: 'null',
  stream: null,
  version: null,
  meta: null,
  created_at: new Date(event.time),
  control: false,
});

const empty = (page: object) => ({ ...rowOf({} as CommitcastEvent & { time: 0 }), position: null, ...page });
