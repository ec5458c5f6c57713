/** Where a client keeps how far it is, so that the next page load goes on from there. */
export interface CursorStore {
  /** What was saved last, or nothing. */
  load(): string | null | undefined;
  /** Called after each event that was handled, and so often: it should be quick. */
  save(text: string): void;
}

/** `memory`: until the page is left. `session`: in `sessionStorage`, so for this tab, over reloads. */
export type Store = 'memory' | 'session' | CursorStore;

interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** Absent in Node; and merely looking for it throws where the browser forbids it. */
const storage = () => (globalThis as { sessionStorage?: Storage }).sessionStorage;

/**
 * Keeps the cursor in `sessionStorage` under a key of its own: for pages with several clients.
 *
 * @example
 * connect({ token, store: sessionStore('orders') });
 */
export function sessionStore(key: string): CursorStore {
  const name = `commitcast:${key}`;
  return {
    load() {
      try {
        return storage()?.getItem(name);
      } catch {
        return undefined;
      }
    },
    save(text) {
      try {
        storage()?.setItem(name, text);
      } catch {
        // Forbidden, or full: then the cursor lasts as long as the page.
      }
    },
  };
}

export function storeOf(store: Store | undefined, url: string): CursorStore | undefined {
  return store === 'session' ? sessionStore(url) : typeof store === 'object' ? store : undefined;
}
