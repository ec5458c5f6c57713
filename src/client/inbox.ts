import type { Code } from '../core/codes.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { LiveMessage, ResetReason } from '../core/protocol.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';
import { Backlog, type Work } from './backlog.ts';
import { cursorAt, epochOf } from './cursor.ts';
import type { Progress } from './progress.ts';
import { Subscribers } from './subscribers.ts';

type Waits = Exclude<ReturnType<Work>, void>;

export interface InboxOptions {
  progress: Progress;
  /** Events that may be received and not handled. */
  maxBacklog: number;
  /** No more than half of that is left. */
  onDrained: () => void;
  /** Aborted when the client is closed. */
  closed: AbortSignal;
}

/**
 * What has come over one link after the other, in order, on its way to the subscribers. A link goes on after what was
 * received over the one before, so nothing that waits here is fetched again.
 */
export class Inbox {
  readonly subscribers = new Subscribers();
  readonly #options: InboxOptions;
  readonly #backlog: Backlog;
  #received: string | undefined;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#received = options.progress.cursor;
    this.#backlog = new Backlog(() => {
      options.progress.save();
      if (this.#backlog.size <= options.maxBacklog / 2) options.onDrained();
    });
  }

  /** After the last event that was received. */
  get received(): string | undefined {
    return this.#received;
  }

  get epoch(): string | undefined {
    return this.#received === undefined ? undefined : epochOf(this.#received);
  }

  get isFull(): boolean {
    return this.#backlog.size > this.#options.maxBacklog;
  }

  inOrder(work: Work): void {
    this.#backlog.push(work);
  }

  /** A link begins after `cursor`; `isKnown`: the session has been there before. */
  begin(cursor: string, isKnown: boolean): void {
    this.#received = cursor;
    this.inOrder(this.subscribers.accepted(cursor, isKnown));
  }

  events(events: readonly CommitcastEvent[], cursor: string): void {
    this.#received = cursor;
    this.#backlog.push(() => this.#deliver(events, cursor), events.length);
  }

  live(message: LiveMessage, then: () => void): void {
    const { progress } = this.#options;
    const { subscribers } = this;
    this.#received = message.cursor;
    this.inOrder(function* () {
      progress.moveTo(message.cursor);
      yield* subscribers.live(message);
      then();
    });
  }

  reset(reason: ResetReason, cursor: string): void {
    const { progress } = this.#options;
    this.#received = cursor;
    this.inOrder(() => {
      progress.reset(cursor);
      return this.subscribers.reset(reason, cursor);
    });
  }

  checkpoint(cursor: string): void {
    const { progress } = this.#options;
    this.#received = cursor;
    this.inOrder(() => progress.moveTo(cursor));
  }

  /** The server sends everything of this scope after the cursor. */
  begun(scope: Subscription, cursor: string): void {
    this.subscribers.begun(scope);
    this.inOrder(() => this.subscribers.begin(cursor, scope));
  }

  denied(scope: Subscription, code: Code): void {
    this.inOrder(() => this.subscribers.deny(subscriptionKey(scope), code));
  }

  /** Those who wait for what the session has already begin with what comes next. */
  beginLate(): void {
    const received = this.#received;
    if (received !== undefined && this.subscribers.waiting)
      this.inOrder(() => this.subscribers.begin(received));
  }

  /** Resolves when the event that is in hand, if there is one, is done. */
  async close(): Promise<void> {
    await this.#backlog.clear();
    this.subscribers.endAll();
  }

  *#deliver(events: readonly CommitcastEvent[], until: string): Waits {
    const { progress, closed } = this.#options;
    const epoch = epochOf(until);
    for (const event of events) {
      if (closed.aborted) return;
      for (const waiting of this.subscribers.deliver(event)) {
        if (!waiting) continue;
        progress.save();
        yield waiting;
      }
      if (closed.aborted && !this.subscribers.haveDone(event)) return;
      progress.moveTo(cursorAt(epoch, event.position));
    }
    progress.moveTo(until);
  }
}
