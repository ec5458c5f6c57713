import { browser } from './browser.ts';

/** What reached a handler: an event; or a state that was loaded, with all events up to its cursor. */
export type Entry =
  { readonly position: number; readonly id: string } | { readonly reason: string; readonly cursor: string };

/** What one subscription got, over all pages of a tab: an item of `sessionStorage` for each, written at once. */
export class History {
  readonly #name: string;
  #next = 0;

  constructor(name: string) {
    this.#name = name;
    while (browser.sessionStorage.getItem(this.#key(this.#next)) !== null) this.#next++;
  }

  add(entry: Entry): void {
    browser.sessionStorage.setItem(this.#key(this.#next), JSON.stringify(entry));
    this.#next++;
  }

  get length(): number {
    return this.#next;
  }

  entries(): Entry[] {
    return Array.from(
      { length: this.#next },
      (_, n) => JSON.parse(browser.sessionStorage.getItem(this.#key(n)) ?? 'null') as Entry,
    );
  }

  #key(n: number): string {
    return `seen:${this.#name}:${n}`;
  }
}
