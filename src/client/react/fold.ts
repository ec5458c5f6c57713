/** A state that events change. React renders once for all changes of a tick, and a batch of events is handled in one. */
export class Fold<State> {
  #state: State;
  readonly #watching = new Set<() => void>();

  constructor(state: State) {
    this.#state = state;
  }

  readonly get = (): State => this.#state;

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#watching.add(changed);
    return () => this.#watching.delete(changed);
  };

  set(state: State): void {
    this.#state = state;
    for (const changed of this.#watching) changed();
  }
}
