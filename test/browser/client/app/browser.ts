/** What the pages use of a browser: the TypeScript of the tests knows Node only. */
interface Browser {
  readonly document: {
    getElementById(id: string): Element & { append(child: Element): void };
    createElement(name: string): Element & { textContent: string; dataset: Record<string, string> };
  };
  readonly location: { readonly search: string };
  readonly sessionStorage: {
    readonly length: number;
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
  };
  addEventListener(type: string, listener: (event: { persisted?: boolean }) => void): void;
  /** For the test, which asks by `page.evaluate`. */
  probe: unknown;
}

export const browser = globalThis as unknown as Browser;
