/** A state that events change faster than it is to be rendered: who watches hears once of all that happens in a tick. */
export class Fold<State> {
  #state: State;
  readonly #watching = new Set<() => void>();
  #isTold = true;

  constructor(state: State) {
    this.#state = state;
  }

  readonly get = (): State => this.#state;

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#watching.add(changed);
    return () => this.#watching.delete(changed);
  };

  set(state: State): void {
    if (Object.is(state, this.#state)) return;
    this.#state = state;
    if (!this.#isTold) return;
    this.#isTold = false;
    queueMicrotask(() => {
      this.#isTold = true;
      for (const changed of this.#watching) changed();
    });
  }
}
