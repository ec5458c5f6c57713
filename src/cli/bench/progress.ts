/** Says what is being done; a terminal gets one line that is rewritten. */
export class Progress {
  readonly #stream: { write(text: string): unknown; isTTY?: boolean };
  readonly #began = performance.now();

  constructor(stream: { write(text: string): unknown; isTTY?: boolean }) {
    this.#stream = stream;
  }

  readonly say = (step: string): void => {
    const seconds = Math.round((performance.now() - this.#began) / 1_000);
    const line = `${String(seconds).padStart(3)} s  ${step}`;
    this.#stream.write(this.#stream.isTTY ? `\r${line}\x1b[K` : `${line}\n`);
  };

  /** What comes next begins on a line of its own. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }
}
