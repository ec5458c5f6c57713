import type { CommitcastClient, SubscriptionHandle } from '../../src/client/index.ts';
import { sees } from '../../src/core/sees.ts';
import { sleep } from '../../src/core/sleep.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import type { ModelServer } from './model-server.ts';

/** Between two breaks that the application was told of. */
interface Segment {
  /** Everything after it, if that is known. */
  after?: number | undefined;
  /** Everything after it at least, when the beginning is the server's choice. */
  activeAt?: number | undefined;
  seen: CommitcastEvent[];
}

export type Plan = 'ok' | 'async' | 'throw' | 'throw later';

/** A subscription of the application, over all page loads, and what its handler has done. */
export class ModelSubscription {
  readonly scope: Subscription;
  readonly loads: boolean;
  readonly segments: Segment[] = [{ seen: [] }];
  readonly plans: Plan[] = [];
  broken = false;
  loadsBehind = 0;
  /** A load that returns no cursor, once. */
  loadsNothing = false;
  ended = false;
  resets = 0;
  #handle: SubscriptionHandle | undefined;
  readonly #server: ModelServer;
  #from: string | undefined;

  constructor(server: ModelServer, scope: Subscription, loads: boolean, from: string | undefined) {
    this.#server = server;
    this.scope = scope;
    this.loads = loads;
    this.#from = from;
  }

  get handle(): SubscriptionHandle {
    if (!this.#handle) throw new Error('not subscribed');
    return this.#handle;
  }

  get #segment(): Segment {
    return this.segments.at(-1) as Segment;
  }

  /** In another page: goes on in the same segment if it had begun, and may. */
  subscribe(client: CommitcastClient): void {
    const before = this.#handle?.state.name;
    // A place ahead of the session's is not kept: who has had nothing names it again.
    const hasPlace = this.#from === undefined || this.#segment.seen.length > 0;
    const hasBegun = this.#segment.activeAt !== undefined && before !== 'denied' && hasPlace;
    if (!hasBegun) this.segments.push({ seen: [] });
    const from = hasBegun ? undefined : this.#from;
    if (from !== undefined) this.#segment.after = Number(from.split('-')[1]);
    const handle = client.subscribe(this.scope, {
      from,
      ...(this.loads ? { load: ({ signal }) => this.#load(signal) } : {}),
    });
    this.#handle = handle;
    handle.onState(({ name }) => {
      if (name === 'active' && this.#handle === handle) this.#segment.activeAt ??= this.#server.head;
    });
    handle.on('*', (event) => this.#handleEvent(event));
  }

  /** The application was told that history is gone. */
  reset(): void {
    this.resets += 1;
    this.segments.push({ seen: [], activeAt: this.#server.head });
  }

  complaint(): string | undefined {
    const { after, activeAt, seen } = this.#segment;
    const all = this.#server.truth.filter((event) => sees(this.scope, event));
    const first = seen[0]?.position ?? Infinity;
    const beginning = after ?? Math.min(first - 1, activeAt ?? Infinity);
    const expected = all.filter(({ position }) => position > beginning).map(({ id }) => id);
    const got = seen.map(({ id }) => id);
    if (got.join() === expected.join()) return undefined;
    return `${JSON.stringify(this.scope)} after ${beginning}: expected [${expected.join()}], handled [${got.join()}]`;
  }

  #handleEvent(event: CommitcastEvent): unknown {
    const plan = this.broken ? 'throw' : (this.plans.shift() ?? 'ok');
    const { seen } = this.#segment;
    const done = () => void seen.push(event);
    if (plan === 'ok') return done();
    if (plan === 'throw') throw new Error('planned');
    return sleep(10).then(() => {
      if (plan === 'throw later') throw new Error('planned');
      done();
    });
  }

  async #load(signal: AbortSignal): Promise<string | undefined> {
    const none = this.loadsNothing;
    const position = Math.max(0, this.#server.head - this.loadsBehind);
    const cursor = this.#server.cursor(position);
    this.loadsBehind = 0;
    this.loadsNothing = false;
    await sleep(20);
    if (this.broken) throw new Error('planned');
    if (!signal.aborted) this.segments.push({ after: none ? undefined : position, seen: [] });
    return none ? undefined : cursor;
  }
}
