import type { Handshake, LinkListener } from '../../src/client/link.ts';
import type { Code } from '../../src/core/codes.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { Ack, LiveMessage, ResetReason } from '../../src/core/protocol.ts';
import { sees } from '../../src/core/sees.ts';
import { subscriptionKey, type Subscription } from '../../src/core/subscription.ts';
import { ModelServer } from './model-server.ts';

interface ModelSession {
  position: number;
  live: boolean;
  subscriptions: Map<string, Subscription>;
  denied: LiveMessage['denied'];
}

/**
 * In the place of `Link`, with the server's session behind it. Both directions keep their order; `authorize` takes as
 * long as it likes, so later requests may overtake it, and answers may be overtaken by what they announce.
 */
export class ModelLink {
  readonly #server = ModelServer.current;
  readonly #auth: Handshake;
  readonly #listener: LinkListener;
  #toClient: (() => void)[] = [];
  #toServer: (() => void)[] = [];
  #authorizing: ((passing: boolean) => void)[] = [];
  #atSeam: ((position: number) => void)[] = [];
  #acks: (() => void)[] = [];
  #session: ModelSession | undefined;

  constructor(_url: unknown, auth: Handshake, _options: unknown, listener: LinkListener) {
    this.#auth = auth;
    this.#listener = listener;
    this.#server.opened += 1;
    if (this.#server.opened > 3_000) throw new Error('connects without end');
    this.#server.links.add(this);
  }

  // What the client does with a link.

  request(name: string, scope: Subscription, ack: Ack<{ cursor: string }> = () => undefined): void {
    const heard: typeof ack = (answer) => {
      if (this.#open) ack(answer);
    };
    if (name === 'subscribe') this.#subscribe(scope, heard);
    if (name === 'unsubscribe') this.#unsubscribe(scope);
  }

  #subscribe(scope: Subscription, ack: Ack<{ cursor: string }>): void {
    const key = subscriptionKey(scope);
    const refuse = (code: Code) => this.#answer(() => ack({ ok: false, error: { code, message: code } }));
    this.#toServer.push(() =>
      this.#authorizing.push((passing) => {
        if (passing) return refuse('UNAVAILABLE');
        return this.#change((position) => {
          if (this.#server.denied.has(key)) return refuse('SUBSCRIPTION_DENIED');
          this.#session?.subscriptions.set(key, scope);
          return this.#answer(() => ack({ ok: true, cursor: this.#server.cursor(position) }));
        });
      }),
    );
  }

  #unsubscribe(scope: Subscription): void {
    this.#toServer.push(() =>
      this.#change(() => this.#session?.subscriptions.delete(subscriptionKey(scope))),
    );
  }

  probe(): void {}

  end(): void {
    this.#server.links.delete(this);
  }

  // What the network and the server do.

  lose(): void {
    this.end();
    this.#listener.lost({ message: 'lost' });
  }

  step(kind: 'deliver' | 'page' | 'serve' | 'authorize' | 'ack', n = 0): void {
    if (kind === 'deliver') for (let i = 0; i <= n && this.#open; i++) this.#toClient.shift()?.();
    if (kind === 'page') this.#page(1 + (n % 4));
    if (kind === 'serve') this.#toServer.shift()?.();
    if (kind === 'authorize') this.#authorizing.splice(n % (this.#authorizing.length || 1), 1)[0]?.(n === 9);
    if (kind === 'ack') this.#toClient.push(...this.#acks.splice(n % (this.#acks.length || 1), 1));
  }

  /** Everything that is under way arrives. Whether there was anything. */
  settle(): boolean {
    let steps = 0;
    for (; this.#open && steps < 500; steps++) {
      if (!this.#session || !this.#session.live) this.step('page', 3);
      else if (this.#toServer.length > 0) this.step('serve');
      else if (this.#authorizing.length > 0) this.step('authorize');
      else if (this.#acks.length > 0) this.step('ack');
      else if (this.#toClient.length > 0) this.step('deliver');
      else break;
    }
    return steps > 0;
  }

  appended(event: CommitcastEvent): void {
    if (this.#session?.live && this.#sees(event)) this.#events([event], event.position);
  }

  /** It did not read: it leaves its rooms and catches up. */
  slow(): void {
    if (!this.#session?.live) return;
    this.#session.live = false;
    this.#session.position = this.#server.head;
  }

  checkpoint(): void {
    const cursor = this.#server.cursor();
    if (this.#session?.live) this.#send(() => this.#listener.checkpoint({ cursor }));
  }

  revoked(subscription: Subscription): void {
    if (this.#session)
      this.#change(() => {
        if (!this.#session?.subscriptions.delete(subscriptionKey(subscription))) return;
        this.#send(() => this.#listener.revoked({ subscription }));
      });
  }

  get #open(): boolean {
    return this.#server.links.has(this);
  }

  #accept(): ModelSession {
    const { cursor, subscriptions = [] } = this.#auth;
    const allowed = subscriptions.filter((scope) => !this.#server.denied.has(subscriptionKey(scope)));
    const denied = subscriptions
      .filter((scope) => !allowed.includes(scope))
      .map((subscription) => ({ subscription, code: 'SUBSCRIPTION_DENIED' as const }));
    const session = {
      position: this.#server.head,
      live: false,
      subscriptions: new Map([{}, ...allowed].map((scope) => [subscriptionKey(scope), scope])),
      denied,
    };
    this.#send(() => this.#listener.accepted());
    if (cursor === undefined) return session;
    // Before the first event: what the others see of a scope must not pass for all of it.
    for (const each of denied) this.#send(() => this.#listener.revoked(each));
    const [epoch = '', text] = cursor.split('-');
    const position = Number(text);
    const end = epoch === this.#server.epoch ? this.#server.head : this.#server.ended.get(epoch);
    if (end === undefined) this.#reset('unknown', session.position);
    else if (position > end) this.#reset('epoch', (session.position = end));
    else session.position = position;
    return session;
  }

  #page(limit: number): void {
    if (!this.#session) {
      this.#session = this.#accept();
      return;
    }
    const session = this.#session;
    if (session.live) return;
    this.#reachSeam(session.position);
    const { head, floor, log } = this.#server;
    if (floor > session.position + 1) this.#reset('expired', (session.position = head));
    const rest = log.filter((event) => event.position > session.position && this.#sees(event));
    const page = rest.slice(0, limit);
    session.position = rest.length > limit ? (page.at(-1)?.position ?? head) : head;
    if (page.length > 0) this.#events(page, session.position);
    if (session.position < head) return;
    this.#reachSeam(head);
    session.live = true;
    const { denied } = session;
    const message = {
      cursor: this.#server.cursor(),
      subscriptions: [...session.subscriptions.values()],
      denied,
    };
    this.#send(() => this.#listener.live(message));
  }

  #change(change: (position: number) => unknown): void {
    if (this.#session?.live) change(this.#server.head);
    else this.#atSeam.push(change);
  }

  #reachSeam(position: number): void {
    for (const change of this.#atSeam.splice(0)) change(position);
  }

  #sees(event: CommitcastEvent): boolean {
    return [...(this.#session?.subscriptions.values() ?? [])].some((scope) => sees(scope, event));
  }

  #events(events: CommitcastEvent[], position: number): void {
    const cursor = this.#server.cursor(position);
    this.#send(() => this.#listener.events(events, cursor));
  }

  #reset(reason: ResetReason, position: number): void {
    const cursor = this.#server.cursor(position);
    this.#send(() => this.#listener.reset({ reason, cursor }));
  }

  #send(message: () => void): void {
    this.#toClient.push(message);
  }

  #answer(ack: () => void): void {
    this.#acks.push(ack);
  }
}
