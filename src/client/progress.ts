import { isBefore, isCursor } from './cursor.ts';
import type { CursorStore } from './cursor-store.ts';

interface Saved {
  cursor?: string;
  /** Key of a subscription → its cursor, of those that have done less: it has failed, for example. */
  behind?: Record<string, string>;
}

/** How far a session is: what its handlers have done, which is what a reconnect or the next page goes on from. */
export class Progress {
  readonly #store: CursorStore | undefined;
  /** Of the page before, until somebody subscribes to it. */
  readonly #left: Map<string, string>;
  #cursor: string | undefined;
  #text: string | undefined;

  constructor(store: CursorStore | undefined) {
    this.#store = store;
    const { cursor, behind } = read(store?.load());
    this.#cursor = isCursor(cursor) ? cursor : undefined;
    this.#left = new Map(Object.entries(behind ?? {}).filter(([, each]) => isCursor(each)));
  }

  /** After the last event that was handed out. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Never back, within one history: a session that was rewound for one subscription repeats what others had. */
  moveTo(cursor: string): void {
    if (this.#cursor === undefined || !isBefore(cursor, this.#cursor)) this.#cursor = cursor;
  }

  /** Also back. */
  reset(cursor: string): void {
    this.#cursor = cursor;
  }

  /** Where a subscription with this key goes on, if it was behind when the page before was left. */
  takeLeft(key: string): string | undefined {
    const cursor = this.#left.get(key);
    this.#left.delete(key);
    return cursor;
  }

  save(behind: (cursor: string) => Iterable<[string, string]>): void {
    if (!this.#store || this.#cursor === undefined) return;
    const saved: Saved = { cursor: this.#cursor };
    const all = new Map([...this.#left, ...behind(this.#cursor)]);
    if (all.size > 0) saved.behind = Object.fromEntries(all);
    const text = JSON.stringify(saved);
    if (text === this.#text) return;
    this.#text = text;
    this.#store.save(text);
  }
}

/** Somebody else may have written there. */
function read(text: string | null | undefined): Saved {
  try {
    return (JSON.parse(text ?? '{}') as Saved | null) ?? {};
  } catch {
    return {};
  }
}
