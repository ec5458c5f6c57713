import {
  CodedError,
  connect,
  type CommitcastClient,
  type Subscription,
  type SubscriptionHandle,
} from '../client/index.ts';
import { CuttableTransports } from './cuttable-transports.ts';
import { Ledger } from './ledger.ts';
import { Rate } from './rate.ts';
import { scopeName, wholeOrg } from './scope.ts';
import type { Org } from './session.ts';
import { Status } from './status.ts';
import { Timeline } from './timeline.ts';
import { resetOf } from './words.ts';

/**
 * One org in this tab: the client, what it has received, and what has happened to it. The subscriptions are made in the
 * tick in which the client is, so that its first handshake names them and its cursor is over them.
 */
export class Connection {
  readonly client: CommitcastClient;
  readonly ledger: Ledger;
  readonly timeline: Timeline;
  readonly status: Status;
  readonly rate = new Rate();
  readonly #org: Org;
  readonly #transports = new CuttableTransports();
  readonly #handles = new Map<string, SubscriptionHandle>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasToken = false;
  /** What was received last, and by which scope. */
  #last = { position: -1, key: '' };

  constructor(org: Org, token: string | (() => Promise<string>), storage: Storage) {
    this.#org = org;
    this.ledger = new Ledger(org.id, storage);
    this.timeline = new Timeline(org.id, storage);
    this.status = new Status(this.ledger, this.timeline, this.ledger.store.load() !== undefined);
    this.client = connect({
      token: typeof token === 'string' ? token : () => this.#getToken(token),
      // Relative to the page, which may be served below a path of somebody's choice.
      url: new URL(document.baseURI).origin,
      store: this.ledger.store,
      transport: {
        path: new URL('socket.io/', document.baseURI).pathname,
        transports: this.#transports.options,
      },
    });
    this.client.onState((state) => {
      // What was replayed came as fast as the network goes.
      if (state.name === 'live') this.rate.begin();
      this.status.enter(state);
    });
    this.client.onError((error) => {
      // Told as what it comes to: a reset.
      if (error instanceof CodedError && error.code === 'HISTORY_EXPIRED') return;
      this.timeline.add('error', error instanceof Error ? error.message : String(error));
    });
    this.#subscribe();
  }

  /** All that the token is for. */
  get everything(): readonly Subscription[] {
    return this.#org.sees ?? [wholeOrg];
  }

  get followed(): readonly Subscription[] {
    return this.ledger.followed ?? this.everything;
  }

  /** Follows these scopes instead of the ones before. */
  follow(scopes: readonly Subscription[]): void {
    const names = scopes.map((scope) => scopeName(scope, this.#org)).join(', ');
    this.ledger.follow(scopes);
    this.ledger.mark(`From here: ${names}`);
    this.timeline.add('scope', `Follows ${names}`);
    this.#subscribe();
  }

  /** Ends the transport, and lets none open for a while. */
  cut(ms: number): void {
    clearTimeout(this.#timer);
    this.status.cut(ms);
    this.#transports.cut();
    this.#timer = setTimeout(() => this.mend(), ms);
  }

  mend(): void {
    clearTimeout(this.#timer);
    this.status.mend();
    this.#transports.mend();
    // The pause before its next attempt may have grown long meanwhile.
    this.client.connect();
  }

  close(): void {
    clearTimeout(this.#timer);
    void this.client.close();
    this.ledger.save();
  }

  async #getToken(get: () => Promise<string>): Promise<string> {
    const isFirst = !this.#hasToken;
    this.#hasToken = true;
    const token = await get();
    if (!isFirst) this.timeline.add('token', 'Token renewed');
    return token;
  }

  #subscribe(): void {
    // Every session has the org's own events, so they are shown.
    const scopes = this.followed.some(({ site, unit, deep }) => deep && !site && !unit) ? [] : [{}];
    const wanted = new Map([...scopes, ...this.followed].map((scope) => [JSON.stringify(scope), scope]));
    for (const [key, handle] of this.#handles) {
      if (wanted.has(key)) continue;
      handle.unsubscribe();
      this.#handles.delete(key);
    }
    for (const [key, scope] of wanted)
      if (!this.#handles.has(key)) this.#handles.set(key, this.#subscribeTo(scope, key));
  }

  #subscribeTo(scope: Subscription, key: string): SubscriptionHandle {
    const handle = this.client.subscribe(scope);
    handle.on('*', (event) => {
      // Two scopes that overlap have it each, one right after the other: that is not twice.
      const isShared = this.#last.position === event.position && this.#last.key !== key;
      this.#last = { position: event.position, key };
      if (isShared) return;
      const isReplayed = this.client.state.name !== 'live';
      if (isReplayed) this.status.countReplayed();
      else this.rate.count(1);
      this.ledger.receive(event, isReplayed);
    });
    handle.onReset(({ reason }) => this.status.startAnew(resetOf(reason)));
    handle.onState((state) => {
      const name = scopeName(scope, this.#org);
      if (state.name === 'denied') this.status.tell('denied', `${state.code}: ${name} is not allowed`);
      if (state.name === 'failed') this.status.tell('error', `${name} has failed: ${String(state.error)}`);
    });
    return handle;
  }
}
