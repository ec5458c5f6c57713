import { Observable } from './observable.ts';
import type { Storage } from './ledger.ts';

/** How the connection is, as a person sees it: an attempt that is about to fail is still `offline`. */
export type Shown = 'connecting' | 'catching-up' | 'live' | 'offline' | 'denied';

export interface Happening {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: Shown | 'cut' | 'replayed' | 'reset' | 'token' | 'scope' | 'error';
  readonly text: string;
}

/** The connection was so from here to the next. */
export interface Span {
  readonly from: number;
  readonly state: Shown;
}

export interface TimelineView {
  /** The newest first. */
  readonly happenings: readonly Happening[];
  /** Rising. */
  readonly spans: readonly Span[];
}

const maxHappenings = 200;
const maxSpans = 100;

/** What has happened to the connection of this tab, over reloads. */
export class Timeline {
  readonly view = new Observable<TimelineView>(() => this.#saved, 40);
  readonly #key: string;
  readonly #storage: Storage;
  #saved: TimelineView = { happenings: [], spans: [] };

  constructor(org: string, storage: Storage) {
    this.#key = `commitcast:timeline:${org}`;
    this.#storage = storage;
    try {
      this.#saved = { ...this.#saved, ...JSON.parse(storage.getItem(this.#key) ?? '{}') };
    } catch {
      // Of another version: start anew.
    }
    this.view.changed();
  }

  add(kind: Happening['kind'], text: string): void {
    const { happenings, spans } = this.#saved;
    const id = (happenings[0]?.id ?? 0) + 1;
    this.#set({
      happenings: [{ id, at: Date.now(), kind, text }, ...happenings].slice(0, maxHappenings),
      spans,
    });
  }

  enter(state: Shown): void {
    const { happenings, spans } = this.#saved;
    if (spans.at(-1)?.state === state) return;
    this.#set({ happenings, spans: [...spans, { from: Date.now(), state }].slice(-maxSpans) });
  }

  #set(view: TimelineView): void {
    this.#saved = view;
    this.view.changed();
    try {
      this.#storage.setItem(this.#key, JSON.stringify(view));
    } catch {
      // Full, or forbidden: then it lasts as long as the page.
    }
  }
}
