/** A timer's longest delay; a longer one would fire at once. */
const maxDelayMs = 2 ** 31 - 1;

/** What is due at a time. */
export interface Due {
  /** Milliseconds since 1970. */
  dueAt: number;
  /** Where the timetable has it; `nowhere` when it has it not. */
  place: number;
}

/** The place of what no timetable has yet. */
export const nowhere = -1;

/**
 * Calls back for each entry when it is due, however far away that is. One timer sleeps until the earliest of them: one
 * for each entry would cost every idle session as much as all the rest that is kept of it. A binary heap, in which each
 * entry knows its place, so that it is taken out without a search.
 */
export class Timetable<Entry extends Due> {
  readonly #onDue: (entry: Entry) => void;
  readonly #heap: Entry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = Infinity;

  constructor(onDue: (entry: Entry) => void) {
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Puts an entry in, or to another time. */
  put(entry: Entry, dueAt: number): void {
    this.#takeOut(entry);
    entry.dueAt = dueAt;
    this.#settle(entry, this.#heap.length);
    this.#arm();
  }

  /** Idempotent. */
  remove(entry: Entry): void {
    this.#takeOut(entry);
    // Else the timer comes too early, once, and finds nothing.
    if (this.#heap.length === 0) this.#disarm();
  }

  #takeOut(entry: Entry): void {
    const { place } = entry;
    if (place === nowhere) return;
    entry.place = nowhere;
    const last = this.#heap.pop();
    if (last && last !== entry) this.#settle(last, place);
  }

  /** From a free place to where it belongs: towards the root past what is later, then away from it past what is earlier. */
  #settle(entry: Entry, free: number): void {
    const heap = this.#heap;
    let place = free;
    while (place > 0) {
      const parent = heap[(place - 1) >> 1];
      if (!parent || parent.dueAt <= entry.dueAt) break;
      const above = parent.place;
      this.#set(parent, place);
      place = above;
    }
    for (;;) {
      const [left, right] = [heap[2 * place + 1], heap[2 * place + 2]];
      const child = left && right && right.dueAt < left.dueAt ? right : left;
      if (!child || child.dueAt >= entry.dueAt) break;
      const below = child.place;
      this.#set(child, place);
      place = below;
    }
    this.#set(entry, place);
  }

  #set(entry: Entry, place: number): void {
    this.#heap[place] = entry;
    entry.place = place;
  }

  #arm(): void {
    const [first] = this.#heap;
    if (!first || first.dueAt >= this.#wakesAt) return;
    this.#disarm();
    this.#wakesAt = first.dueAt;
    const delay = Math.min(Math.max(first.dueAt - Date.now(), 0), maxDelayMs);
    this.#timer = setTimeout(() => {
      this.#wake();
    }, delay);
    this.#timer.unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wakesAt = Infinity;
  }

  #wake(): void {
    this.#disarm();
    const now = Date.now();
    try {
      for (let [first] = this.#heap; first && first.dueAt <= now; [first] = this.#heap) {
        this.#takeOut(first);
        this.#onDue(first);
      }
    } finally {
      // Whatever one of them does, the others are not forgotten.
      this.#arm();
    }
  }
}
