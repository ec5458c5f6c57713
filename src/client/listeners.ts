/** Those who want to know. One that throws keeps nobody else from hearing. */
export class Listeners<Values extends unknown[]> {
  readonly #all = new Set<{ hear: (...values: Values) => void }>();

  get size(): number {
    return this.#all.size;
  }

  /** Returns how to take it off. */
  add(hear: (...values: Values) => void): () => void {
    const entry = { hear };
    this.#all.add(entry);
    return () => {
      this.#all.delete(entry);
    };
  }

  clear(): void {
    this.#all.clear();
  }

  tell(...values: Values): void {
    for (const { hear } of this.#all) {
      try {
        hear(...values);
      } catch (error) {
        console.error(error);
      }
    }
  }
}
