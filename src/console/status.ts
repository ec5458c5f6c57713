import type { ConnectionState } from '../client/index.ts';
import type { Ledger } from './ledger.ts';
import { Observable } from './observable.ts';
import type { Shown, Timeline } from './timeline.ts';
import { durationOf, plural } from './words.ts';

export interface StatusView {
  readonly shown: Shown;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly offlineSince: number | undefined;
  /** When a cut ends. */
  readonly backAt: number | undefined;
  /** What the last outage came to; or why the page is as it is. */
  readonly told: string;
}

/** What ends with the next `live`. */
type Pending = 'first' | 'reload' | 'outage' | 'reset';

/** Tells of a connection: how it is, and what each outage came to. */
export class Status {
  readonly view = new Observable<StatusView>(() => ({ ...this.#view }), 0);
  readonly #ledger: Ledger;
  readonly #timeline: Timeline;
  #view: StatusView = {
    shown: 'connecting',
    reason: '',
    offlineSince: undefined,
    backAt: undefined,
    told: '',
  };
  #pending: Pending | undefined;
  #replayed = 0;

  /** `isKnown`: the tab was here before. */
  constructor(ledger: Ledger, timeline: Timeline, isKnown: boolean) {
    this.#ledger = ledger;
    this.#timeline = timeline;
    this.#pending = isKnown ? 'reload' : 'first';
    timeline.enter('connecting');
  }

  countReplayed(): void {
    this.#replayed += 1;
  }

  cut(ms: number): void {
    this.#timeline.add('cut', `Cut on purpose for ${ms / 1_000} s`);
    this.#set({ backAt: Date.now() + ms });
  }

  mend(): void {
    this.#set({ backAt: undefined });
  }

  tell(kind: 'denied' | 'error', text: string): void {
    this.#timeline.add(kind, text);
    this.#set({ told: text });
  }

  /** All that the page shows is void. Once for all subscriptions. */
  startAnew(why: string): void {
    const told = `${why}: the page starts anew`;
    this.#ledger.clear();
    this.#ledger.mark(told);
    if (this.#pending !== 'reset') this.#timeline.add('reset', told);
    this.#pending = 'reset';
    this.#replayed = 0;
    this.#set({ told });
  }

  enter(state: ConnectionState): void {
    const { code, message = '' } = 'reason' in state ? state.reason : {};
    const reason = code === undefined ? message : `${code}: ${message}`;
    this.#set({ reason });
    switch (state.name) {
      case 'offline':
        this.#lose();
        break;
      case 'connecting':
        // An attempt that is about to fail is still offline.
        if (this.#view.offlineSince === undefined) this.#show('connecting');
        break;
      case 'catching-up':
        this.#replayed = 0;
        this.#show('catching-up');
        break;
      case 'live':
        this.#beLive();
        break;
      case 'denied':
        this.#set({ offlineSince: undefined });
        this.#timeline.add('denied', `Denied: ${reason}`);
        this.#show('denied');
        break;
      case 'closed':
    }
  }

  #lose(): void {
    const { offlineSince, backAt, reason } = this.#view;
    if (offlineSince === undefined) {
      this.#timeline.add('offline', backAt === undefined ? `Offline: ${reason}` : 'Offline');
      this.#pending ??= 'outage';
      this.#set({ offlineSince: Date.now() });
    }
    this.#show('offline');
  }

  #beLive(): void {
    const { offlineSince } = this.#view;
    const after = offlineSince === undefined ? '' : ` after ${durationOf(Date.now() - offlineSince)}`;
    // Who was slow, or was sent back for a subscription, was never away.
    const ended = this.#pending ?? (this.#replayed > 0 ? 'outage' : undefined);
    if (ended === 'outage' || ended === 'reload') {
      const replayed =
        this.#replayed === 0 ? 'nothing was missed' : `${plural(this.#replayed, 'event')} replayed`;
      const told = `${ended === 'outage' ? 'Reconnected' : 'Back here'}${after}: ${replayed}`;
      this.#ledger.mark(told);
      this.#timeline.add('replayed', told);
      this.#set({ told });
    } else if (ended !== undefined) {
      if (ended === 'first') this.#ledger.mark('Live from here');
      this.#timeline.add('live', `Live${after}`);
    }
    this.#pending = undefined;
    this.#set({ offlineSince: undefined });
    this.#show('live');
  }

  #show(shown: Shown): void {
    this.#timeline.enter(shown);
    this.#set({ shown });
  }

  #set(change: Partial<StatusView>): void {
    this.#view = { ...this.#view, ...change };
    this.view.changed();
  }
}
