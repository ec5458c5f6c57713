import type { Code } from '../core/codes.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { LiveMessage, ResetReason } from '../core/protocol.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';
import { Backlog, type Work } from './backlog.ts';
import { cursorAt, epochOf, isBefore, positionOf } from './cursor.ts';
import type { Progress } from './progress.ts';
import type { SessionOptions, SubscriberHost } from './subscriber-host.ts';
import { Subscribers, type Asked, type Request } from './subscribers.ts';

type Waits = Exclude<ReturnType<Work>, void>;

export interface InboxOptions extends SessionOptions {
  readonly progress: Progress;
  /** No more than half of what may wait is left. */
  readonly drained: () => void;
}

/**
 * What has come over one link after the other, in order, on its way to the subscribers. A link goes on after what was
 * received over the one before, so nothing that waits here is fetched again.
 */
export class Inbox implements SubscriberHost {
  readonly subscribers = new Subscribers();
  readonly options: InboxOptions;
  readonly #backlog: Backlog;
  #received: string | undefined;
  /** While the session is further back, for the sake of some: how far it was before. */
  #base: string | undefined;
  /** Over the present link: before this, it may have less than it says. */
  #lost: string | undefined;

  constructor(options: InboxOptions) {
    this.options = options;
    this.#received = options.progress.cursor;
    this.#backlog = new Backlog(() => {
      this.#save();
      if (this.#backlog.size <= options.maxBacklog / 2) options.drained();
    });
  }

  /** After the last event that was received. */
  get received(): string | undefined {
    return this.#received;
  }

  get isFull(): boolean {
    return this.#backlog.size > this.options.maxBacklog;
  }

  inOrder(work: Work): void {
    this.#backlog.push(work);
  }

  /** A link begins after `cursor`, which is what was received, or further back. */
  begin(cursor: string): void {
    const isKnown = this.#received !== undefined;
    this.#lost = undefined;
    const before = this.#base ?? this.#received;
    this.#base = before !== undefined && isBefore(cursor, before) ? before : undefined;
    this.#received = cursor;
    const { request } = this.subscribers;
    this.inOrder(() => this.subscribers.accepted(request, cursor, isKnown));
  }

  /**
   * Whether the session has begun further back and finds itself in another history: then it says nothing of those who
   * had more. They ask again from where they are.
   */
  isStrange(cursor: string): boolean {
    return this.#base !== undefined && epochOf(this.#base) !== epochOf(cursor);
  }

  events(events: readonly CommitcastEvent[], cursor: string): void {
    this.#receive(cursor);
    this.#backlog.push(() => this.#deliver(events, cursor), events.length);
  }

  live(message: LiveMessage, then: () => void): void {
    this.#receive(message.cursor);
    const { request } = this.subscribers;
    this.inOrder(() => this.#live(request, message, then));
  }

  /** Whether the session goes on; else it was only what some needed, and begins again where the others are. */
  reset(reason: ResetReason, cursor: string): boolean {
    const { progress } = this.options;
    const base = this.#base;
    const goesOnAfter = (this.#received = base ?? cursor);
    this.#base = undefined;
    this.#lost = goesOnAfter;
    const { request } = this.subscribers;
    this.inOrder(() => {
      if (base === undefined) progress.reset(cursor);
      return this.subscribers.reset(request, reason, goesOnAfter, base === undefined);
    });
    return base === undefined;
  }

  checkpoint(cursor: string): void {
    this.#receive(cursor);
    this.inOrder(() => this.#moveTo(cursor));
  }

  /** The server has answered: everything of this scope after the cursor follows. */
  answered(asked: Asked, answer: string): void {
    const lost = this.#lost;
    const isLost = lost !== undefined && (epochOf(answer) !== epochOf(lost) || isBefore(answer, lost));
    const cursor = isLost ? lost : answer;
    // All that came before has been sent before; and from here on there is something to miss.
    if (this.#received === undefined || isBefore(this.#received, cursor)) this.#receive(cursor);
    const key = subscriptionKey(asked.scope);
    // It was given back meanwhile, and asked for anew: only the answer to that says where it begins.
    if (this.subscribers.request.get(key) !== asked) return;
    const request: Request = new Map([[key, asked]]);
    this.inOrder(() => {
      asked.begunAt = positionOf(cursor);
      return this.subscribers.beginLate(request, cursor);
    });
  }

  denied(scope: Subscription, code: Code): void {
    this.inOrder(() => this.subscribers.deny(subscriptionKey(scope), code));
  }

  /** Those who wait for what the session has already begin with what comes next. */
  beginLate(): void {
    const received = this.#received;
    const { request } = this.subscribers;
    if (received !== undefined) this.inOrder(() => this.subscribers.beginLate(request, received));
  }

  /** Resolves when the event that is in hand, if there is one, is done. */
  async close(): Promise<void> {
    await this.#backlog.close();
    this.#save();
    this.subscribers.endAll();
  }

  #receive(cursor: string): void {
    this.#received = cursor;
    if (this.#base !== undefined && !isBefore(cursor, this.#base)) this.#base = undefined;
  }

  *#deliver(events: readonly CommitcastEvent[], until: string): Waits {
    const { closed } = this.options;
    const epoch = epochOf(until);
    for (const event of events) {
      if (closed.aborted) return;
      for (const waiting of this.subscribers.deliver(event, epoch)) {
        if (!waiting) continue;
        this.#save();
        yield waiting;
      }
      this.options.progress.moveTo(cursorAt(epoch, event.position));
    }
    if (!closed.aborted) this.#moveTo(until);
  }

  *#live(request: Request, message: LiveMessage, then: () => void): Waits {
    yield* this.subscribers.live(request, message);
    this.#moveTo(message.cursor);
    then();
  }

  #moveTo(cursor: string): void {
    this.options.progress.moveTo(cursor);
    this.subscribers.reached(cursor);
  }

  #save(): void {
    try {
      this.options.progress.save((cursor) => this.subscribers.behind(cursor));
    } catch (error) {
      // A store of the application's own may be full, or forbidden.
      this.options.report(error);
    }
  }
}
