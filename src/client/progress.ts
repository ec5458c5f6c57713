import { epochOf, isCursor, positionOf } from './cursor.ts';
import type { CursorStore } from './cursor-store.ts';

interface Saved {
  cursor?: string;
  /** Key of a subscription that has failed → the last cursor that its handlers have done. */
  failed?: Record<string, string>;
}

/** How far a session is: what its handlers have done, which is what a reconnect or the next page goes on from. */
export class Progress {
  readonly #store: CursorStore | undefined;
  #cursor: string | undefined;
  readonly #failed: Map<string, string>;
  #unsaved = false;

  constructor(store: CursorStore | undefined) {
    this.#store = store;
    const { cursor, failed = {} } = read(store?.load());
    this.#cursor = isCursor(cursor) ? cursor : undefined;
    this.#failed = new Map(Object.entries(failed).filter(([, each]) => isCursor(each)));
  }

  /** After the last event that all handlers have done. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Never back, within one history: a session that was rewound for one subscription repeats what others had. */
  moveTo(cursor: string): void {
    const known = this.#cursor;
    if (known && epochOf(known) === epochOf(cursor) && positionOf(known) >= positionOf(cursor)) return;
    this.reset(cursor);
  }

  /** Also back. */
  reset(cursor: string): void {
    this.#cursor = cursor;
    this.#unsaved = true;
  }

  /** Where a subscription with this key has failed, in this page or before it was loaded anew. */
  failedAt(key: string): string | undefined {
    return this.#failed.get(key);
  }

  /** Without a cursor: it goes on, or is nobody's any more. */
  fail(key: string, cursor: string | undefined): void {
    if (cursor !== undefined) this.#failed.set(key, cursor);
    else if (!this.#failed.delete(key)) return;
    this.#unsaved = true;
    this.save();
  }

  save(): void {
    if (!this.#unsaved) return;
    this.#unsaved = false;
    const saved: Saved = {};
    if (this.#cursor !== undefined) saved.cursor = this.#cursor;
    if (this.#failed.size > 0) saved.failed = Object.fromEntries(this.#failed);
    this.#store?.save(JSON.stringify(saved));
  }
}

/** Somebody else may have written there. */
function read(text: string | null | undefined): Saved {
  try {
    const saved: unknown = JSON.parse(text ?? '{}');
    return typeof saved === 'object' && saved !== null ? saved : {};
  } catch {
    return {};
  }
}
