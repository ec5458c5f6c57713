/** State that changes faster than it is to be drawn: who watches hears at most once in so many milliseconds. */
export class Observable<State extends object> {
  readonly #read: () => State;
  readonly #everyMs: number;
  readonly #watching = new Set<() => void>();
  #state: State | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `read` makes the state that is shown, a new object each time. */
  constructor(read: () => State, everyMs: number) {
    this.#read = read;
    this.#everyMs = everyMs;
  }

  readonly get = (): State => (this.#state ??= this.#read());

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#watching.add(changed);
    return () => this.#watching.delete(changed);
  };

  changed(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#state = this.#read();
      for (const tell of this.#watching) tell();
    }, this.#everyMs);
  }
}
