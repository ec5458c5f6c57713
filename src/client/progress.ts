import { isBefore, isCursor } from './cursor.ts';
import type { CursorStore } from './cursor-store.ts';

/** Where subscriptions are that have done less than the session: they have failed, for example. */
export type Behind = Record<string, (string | null)[]>;

interface Saved {
  cursor?: string;
  /** Key → cursors of its subscriptions, in the order in which they were made; `null`: that of the session. */
  behind?: Behind;
}

/** How far a session is: what its handlers have done, which is what a reconnect or the next page goes on from. */
export class Progress {
  readonly #store: CursorStore | undefined;
  /** Of the page before, until somebody subscribes to it. */
  readonly #left: Behind;
  #cursor: string | undefined;
  #text: string | undefined;

  constructor(store: CursorStore | undefined) {
    this.#store = store;
    const { cursor, behind } = read(store);
    this.#cursor = isCursor(cursor) ? cursor : undefined;
    this.#left = behind ?? {};
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
    const cursor = this.#left[key]?.shift?.();
    return isCursor(cursor) ? cursor : undefined;
  }

  save(behindOf: (cursor: string) => Behind): void {
    if (!this.#store || this.#cursor === undefined) return;
    const behind = behindOf(this.#cursor);
    for (const [key, cursors] of Object.entries(this.#left))
      if (Array.isArray(cursors) && cursors.length > 0) behind[key] = [...(behind[key] ?? []), ...cursors];
    const text = JSON.stringify({ cursor: this.#cursor, behind } satisfies Saved);
    if (text === this.#text) return;
    this.#store.save(text);
    this.#text = text;
  }
}

/** Somebody else may have written there. */
function read(store: CursorStore | undefined): Saved {
  try {
    return (JSON.parse(store?.load() ?? '{}') as Saved | null) ?? {};
  } catch {
    return {};
  }
}
