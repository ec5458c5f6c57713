import {
  connect,
  type CommitcastClient,
  type ConnectionState,
  type Subscription,
  type SubscriptionHandle,
} from '../client/index.ts';
import { CuttableTransports } from './cuttable-transports.ts';
import { Ledger } from './ledger.ts';
import { Observable } from './observable.ts';
import { Rate } from './rate.ts';
import { scopeName, wholeOrg } from './scope.ts';
import type { Org } from './session.ts';
import { Timeline, type Shown } from './timeline.ts';
import { durationOf, plural, resetOf } from './words.ts';

export interface ConnectionView {
  readonly shown: Shown;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly offlineSince: number | undefined;
  readonly backAt: number | undefined;
  /** What the last outage came to; or why the page is as it is. */
  readonly told: string;
}

/**
 * One org in this tab: the client, what it has received, and what has happened to it. The subscriptions are made in the
 * tick in which the client is, so that its first handshake names them and its cursor is over them.
 */
export class Connection {
  readonly client: CommitcastClient;
  readonly ledger: Ledger;
  readonly timeline: Timeline;
  readonly rate = new Rate();
  readonly view = new Observable<ConnectionView>(() => this.#draw(), 0);
  readonly #org: Org;
  readonly #transports = new CuttableTransports();
  readonly #handles = new Map<string, SubscriptionHandle>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #replayed = 0;
  #shown: Shown = 'connecting';
  #reason = '';
  #offlineSince: number | undefined;
  #backAt: number | undefined;
  #told = '';
  /** What ends with the next `live`. */
  #ends: 'first' | 'reload' | 'outage' | 'reset' | undefined;

  constructor(org: Org, token: string | (() => Promise<string>), storage: globalThis.Storage) {
    this.#org = org;
    this.ledger = new Ledger(org.id, storage);
    this.timeline = new Timeline(org.id, storage);
    this.#ends = this.ledger.store.load() === undefined ? 'first' : 'reload';
    this.client = connect({
      token,
      // Relative to the page, which may be served below a path of somebody's choice.
      url: new URL(document.baseURI).origin,
      store: this.ledger.store,
      transport: {
        path: new URL('socket.io/', document.baseURI).pathname,
        transports: this.#transports.options,
      },
    });
    this.client.onState((state) => this.#enter(state));
    this.client.onError((error) => {
      const text = error instanceof Error ? error.message : String(error);
      // Told by the state as well.
      if (!text.includes('is not to be had')) this.timeline.add('error', text);
    });
    this.#subscribe();
    this.timeline.enter('connecting');
  }

  get followed(): readonly Subscription[] {
    return this.ledger.followed ?? this.#org.sees ?? [wholeOrg];
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
    this.timeline.add('cut', `Cut on purpose for ${durationOf(ms)}`);
    this.#backAt = Date.now() + ms;
    this.#transports.cut();
    this.#timer = setTimeout(() => this.mend(), ms);
    this.view.changed();
  }

  mend(): void {
    clearTimeout(this.#timer);
    this.#backAt = undefined;
    this.#transports.mend();
    // The pause before its next attempt may have grown long meanwhile.
    this.client.connect();
    this.view.changed();
  }

  close(): void {
    clearTimeout(this.#timer);
    void this.client.close();
    this.ledger.save();
  }

  #subscribe(): void {
    const wanted = new Map(this.followed.map((scope) => [JSON.stringify(scope), scope]));
    for (const [key, handle] of this.#handles) {
      if (wanted.has(key)) continue;
      handle.unsubscribe();
      this.#handles.delete(key);
    }
    for (const [key, scope] of wanted) {
      if (this.#handles.has(key)) continue;
      const handle = this.client.subscribe(scope);
      handle.on('*', (event) => {
        const isReplayed = this.client.state.name !== 'live';
        if (isReplayed) this.#replayed += 1;
        else this.rate.count(1);
        this.ledger.receive(event, isReplayed);
      });
      handle.onReset(({ reason }) => this.#startAnew(resetOf(reason)));
      handle.onState((state) => {
        if (state.name === 'denied')
          this.#tell('denied', `${state.code}: ${scopeName(scope, this.#org)} is not allowed`);
        if (state.name === 'failed') this.#tell('error', `A subscription has failed: ${String(state.error)}`);
      });
      this.#handles.set(key, handle);
    }
  }

  #startAnew(why: string): void {
    this.ledger.clear();
    this.ledger.mark(`${why}: the page starts anew`);
    // Once for all subscriptions.
    if (this.#ends !== 'reset') this.timeline.add('reset', `${why}: the page starts anew`);
    this.#ends = 'reset';
    this.#told = `${why}: the page starts anew`;
    this.#replayed = 0;
  }

  #enter(state: ConnectionState): void {
    const reason = 'reason' in state ? state.reason : undefined;
    this.#reason = reason ? [reason.code, reason.message].filter(Boolean).join(': ') : '';
    switch (state.name) {
      case 'offline':
        this.#lose();
        break;
      case 'connecting':
        if (this.#offlineSince === undefined) this.#show('connecting');
        break;
      case 'catching-up':
        this.#replayed = 0;
        this.#show('catching-up');
        break;
      case 'live':
        this.#beLive();
        break;
      case 'denied':
        this.#offlineSince = undefined;
        this.timeline.add('denied', `Denied: ${this.#reason}`);
        this.#show('denied');
        break;
      case 'closed':
    }
    this.view.changed();
  }

  #lose(): void {
    if (this.#offlineSince === undefined) {
      this.#offlineSince = Date.now();
      this.timeline.add('offline', this.#backAt === undefined ? `Offline: ${this.#reason}` : 'Offline');
      this.#ends ??= 'outage';
    }
    this.#show('offline');
  }

  #beLive(): void {
    const away = this.#offlineSince === undefined ? undefined : Date.now() - this.#offlineSince;
    const after = away === undefined ? '' : ` after ${durationOf(away)}`;
    const replayed =
      this.#replayed === 0 ? 'nothing was missed' : `${plural(this.#replayed, 'event')} replayed`;
    const ended = this.#ends ?? (this.#replayed > 0 ? 'outage' : undefined);
    if (ended === 'outage' || ended === 'reload') {
      this.#told = `${ended === 'outage' ? 'Reconnected' : 'Back here'}${after}: ${replayed}`;
      this.ledger.mark(this.#told);
      this.timeline.add('replayed', this.#told);
    } else if (ended === 'first' || ended === 'reset') {
      if (ended === 'first') this.ledger.mark('Live from here');
      this.timeline.add('live', `Live${after}`);
    }
    this.#ends = undefined;
    this.#offlineSince = undefined;
    this.rate.begin();
    this.#show('live');
  }

  #tell(kind: 'denied' | 'error', text: string): void {
    this.timeline.add(kind, text);
    this.#told = text;
    this.view.changed();
  }

  #show(shown: Shown): void {
    this.#shown = shown;
    this.timeline.enter(shown);
  }

  #draw(): ConnectionView {
    return {
      shown: this.#shown,
      reason: this.#reason,
      offlineSince: this.#offlineSince,
      backAt: this.#backAt,
      told: this.#told,
    };
  }
}
