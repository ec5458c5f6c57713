export interface KeptPagesOptions {
  /** Of all pages together. */
  maxBytes: number;
  maxAgeMs: number;
  /** Monotonic, in milliseconds. */
  now: () => number;
}

interface Kept<Page> {
  page: Page;
  bytes: number;
  at: number;
}

/** What a page without events costs, roughly; its key comes on top. */
const emptyBytes = 512;

/** Pages in memory, bounded by bytes and by age: the oldest go first. */
export class KeptPages<Page> {
  readonly #options: KeptPagesOptions;
  /** In the order in which they were added. */
  readonly #pages = new Map<string, Kept<Page>>();
  #bytes = 0;

  constructor(options: KeptPagesOptions) {
    this.#options = options;
  }

  get(key: string): Page | undefined {
    this.#dropWhile(({ at }) => this.#options.now() - at >= this.#options.maxAgeMs);
    return this.#pages.get(key)?.page;
  }

  /** In the place of the one that has the key now. A page that is larger than the bound is not kept at all. */
  add(key: string, page: Page, contentBytes: number): void {
    const bytes = emptyBytes + key.length + contentBytes;
    this.#drop(key);
    if (bytes > this.#options.maxBytes) return;
    this.#pages.set(key, { page, bytes, at: this.#options.now() });
    this.#bytes += bytes;
    this.#dropWhile(() => this.#bytes > this.#options.maxBytes);
  }

  clear(): void {
    this.#pages.clear();
    this.#bytes = 0;
  }

  #dropWhile(isToGo: (oldest: Kept<Page>) => boolean): void {
    for (const [key, kept] of this.#pages) {
      if (!isToGo(kept)) return;
      this.#drop(key);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#pages.get(key)?.bytes ?? 0;
    this.#pages.delete(key);
  }
}
