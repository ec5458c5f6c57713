import type { Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import { roomOf } from './rooms.ts';
import type { Session } from './session.ts';

export interface CheckpointOptions {
  /** Milliseconds without a message after which a session is told where the stream stands. */
  intervalMs: number;
  position: () => number;
  sessions: () => Iterable<Session>;
  /** Asked when all is set up: which rooms have somebody here. */
  adapter: () => {
    rooms: { has(room: string): boolean };
    on(event: 'delete-room', listener: (room: string) => void): unknown;
  };
  /** Which rooms have streams of server-sent events here. */
  streams?: { has(room: string): boolean };
}

/**
 * A quiet session's cursor would fall behind the floor while others are busy. A checkpoint moves it on: settled, and
 * nothing for you up to here. Only when the head has moved, and never during catch-up.
 */
export class Checkpoints implements Service {
  readonly #options: CheckpointOptions;
  readonly #stopped = new AbortController();
  /** Per room of this instance: what was delivered last, and when. */
  readonly #delivered = new Map<string, { position: number; at: number }>();
  #running: Promise<void> | undefined;

  constructor(options: CheckpointOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    this.#options.adapter().on('delete-room', (room) => {
      this.forget(room);
    });
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  delivered(rooms: readonly string[], position: number): void {
    const at = performance.now();
    const { adapter, streams } = this.#options;
    const present = adapter().rooms;
    for (const room of rooms) {
      if (present.has(room) || streams?.has(room)) this.#delivered.set(room, { position, at });
    }
  }

  /** The last socket, or the last stream, has left the room. Where the other kind is still in it, it may be told once more. */
  forget(room: string): void {
    this.#delivered.delete(room);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const { intervalMs, position, sessions } = this.#options;
    while (!signal.aborted) {
      await sleep(intervalMs / 4, signal);
      for (const session of sessions()) {
        // Ephemeral messages alone can pile up, too.
        session.checkOutflow();
        if (session.live && this.#isBehind(session, position())) session.checkpoint(position());
      }
    }
  }

  #isBehind(session: Session, position: number): boolean {
    let { position: known, at } = session.told;
    for (const subscription of session.subscriptions) {
      const delivered = this.#delivered.get(roomOf(session.identity.organizationId, subscription));
      if (!delivered) continue;
      known = Math.max(known, delivered.position);
      at = Math.max(at, delivered.at);
    }
    return position > known && performance.now() - at >= this.#options.intervalMs;
  }
}
